#!/bin/sh
# Makes the repository of the example, where there is none yet, as a bare one that whoever runs flowsync may push to.
set -eu
[ ! -e /repository/HEAD ] || exit 0
work=$(mktemp -d)
cp -R /example/flows "$work"
cd "$work"
git init -q -b main
git add .
git -c user.name=compose -c user.email=compose@example.com commit -q -m "Flows of Nordhaven Insurance"
git clone -q --bare . /repository
chown -R 4711:0 /repository
