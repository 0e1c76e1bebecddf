//! The rules by which problems are found. Their names are promised: whoever reads outputs goes by them.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! rules {
    ($(#[$group_doc:meta] $group:ident: $($(#[$doc:meta])+ $rule:ident = $name:literal,)+;)+) => {
        /// A rule; ordered by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Rule {
            $($($(#[$doc])+ $rule,)+)+
        }

        impl Rule {
            $(
                #[$group_doc]
                pub const $group: &[Self] = &[$(Self::$rule),+];
            )+

            /// The name in outputs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$rule => $name,)+)+
                }
            }
        }
    };
}

rules! {
    /// What can be wrong with flows, in their files or live.
    OF_FLOWS:
    /// The mark of an unfinished merge.
    MergeMarker = "merge-marker",
    /// Bytes that are no UTF-8.
    InvalidUtf8 = "invalid-utf8",
    /// JSON has none.
    Comment = "comment",
    /// Something else than JSON expects.
    InvalidJson = "invalid-json",
    /// The file ends too early.
    UnexpectedEnd = "unexpected-end",
    /// A comma before a closing bracket.
    TrailingComma = "trailing-comma",
    /// Something after the one document.
    TrailingText = "trailing-text",
    /// `NaN`, `Infinity`.
    NotANumber = "not-a-number",
    /// `01`.
    LeadingZero = "leading-zero",
    /// Unescaped, in a string.
    ControlCharacter = "control-character",
    /// No escape of JSON's.
    InvalidEscape = "invalid-escape",
    /// The file begins with one.
    ByteOrderMark = "byte-order-mark",
    /// A key twice in one object, or in one section of the configuration.
    DuplicateKey = "duplicate-key",
    /// Half of a pair.
    LoneSurrogate = "lone-surrogate",
    /// Beyond a double.
    NumberOutOfRange = "number-out-of-range",
    /// Of too many digits.
    IntegerTooLong = "integer-too-long",
    /// Nested too deep.
    TooDeep = "too-deep",
    /// A file over the limit.
    TooLarge = "too-large",
    /// In the flows folder, or on the way to it.
    SymbolicLink = "symbolic-link",
    /// The same.
    Submodule = "submodule",
    /// A path that is no UTF-8.
    PathNotUtf8 = "path-not-utf8",
    /// Git changes the file between commit and checkout.
    GitFilter = "git-filter",
    /// Folders nested too deep.
    PathTooDeep = "path-too-deep",
    /// Too many entries, or copies of one file.
    TooManyFiles = "too-many-files",
    /// A member that the schema wants.
    MissingMember = "missing-member",
    /// Of another type than the schema has it.
    WrongType = "wrong-type",
    /// None of those that the schema names.
    UnknownValue = "unknown-value",
    /// Anything else that the schema forbids.
    Schema = "schema",
    /// `id` is none.
    WrongFlowId = "wrong-flow-id",
    /// `version` is none.
    WrongVersion = "wrong-version",
    /// `name` is empty.
    EmptyName = "empty-name",
    /// Two files have one id.
    DuplicateFlowId = "duplicate-flow-id",
    /// Two nodes of a flow have one id.
    DuplicateNodeId = "duplicate-node-id",
    /// An edge leads to or from no node.
    EdgeUnknownNode = "edge-unknown-node",
    /// Not exactly one start node.
    StartNodeCount = "start-node-count",
    /// Neither in git nor live.
    MissingReference = "missing-reference",
    /// Another flow still needs what is to be deleted.
    DeleteStillNeeded = "delete-still-needed",
    /// No path from the start leads there.
    UnreachableNode = "unreachable-node",
    /// Nothing leads on from a node that is no end.
    DeadEnd = "dead-end",
    /// An edge leaves an end node.
    EndGoesOn = "end-goes-on",
    /// The same edge twice.
    DuplicateEdge = "duplicate-edge",
    /// An edge to itself without condition.
    EndlessEdge = "endless-edge",
    /// A flow names itself.
    SelfReference = "self-reference",
    /// A reference without an id.
    EmptyReference = "empty-reference",
    /// A reference twice.
    DuplicateReference = "duplicate-reference",
    /// `name` is white space.
    BlankName = "blank-name",
    /// A top-level `environmentId`.
    EnvironmentInFile = "environment-in-file",
    /// Looks like a flow, and is not read.
    NotRead = "not-read",
    /// Deployed from a file that is not read any more.
    LeftOut = "left-out",
    /// A live flow in the way of a change cannot be read.
    LiveUnreadable = "live-unreadable",
    /// A change that this tenant cannot make.
    NotPossibleHere = "not-possible-here",
    /// Two names that are one file elsewhere.
    NameTwin = "name-twin",
    /// The content changed and the version did not go up.
    VersionNotRaised = "version-not-raised",
    /// The tenant cannot say whether it exists.
    UnverifiedReference = "unverified-reference",
    /// The file name of an overlay is no flow's id, or it stands in a folder of its own.
    OverlayName = "overlay-name",
    /// An overlay over no flow.
    OverlayWithoutFlow = "overlay-without-flow",
    /// An overlay that is no patch.
    PatchForm = "patch-form",
    /// A patch that does not go with its flow.
    PatchNotApplied = "patch-not-applied",
    /// A patch that makes another flow of its flow.
    PatchChangesId = "patch-changes-id",
    /// A patch that goes by the place of a node alone.
    PatchByIndex = "patch-by-index",
    /// A member that the format does not have.
    UnknownMember = "unknown-member",
    /// A node that nobody can tell from others.
    NodeWithoutRef = "node-without-ref",
    /// No reference id.
    WrongRef = "wrong-ref",
    /// A start, an end or a branch with settings that nobody reads.
    MarkerWithSettings = "marker-with-settings",
    /// Settings in a locale for no node of the flow.
    LocaleUnknownNode = "locale-unknown-node",
    /// A file with code that is not there.
    CodeFileMissing = "code-file-missing",
    /// A file with code that nobody names.
    CodeFileUnused = "code-file-unused",
    /// A node that leads to none.
    UnknownTarget = "unknown-target",
    /// A node that leads to one that nothing may lead to.
    TargetNoEntryPoint = "target-no-entry-point",
    /// Nodes of a chart that hang together in no way that can be read.
    ChartNoTree = "chart-no-tree",
    /// A clone of which not all is there, or in which not all goes together.
    CloneIncomplete = "clone-incomplete",
    /// `${…}` that is not known.
    UnknownVariable = "unknown-variable",
    /// The rest is left out.
    MoreProblems = "more-problems",
    ;
    /// What can be wrong with a configuration, beside [`Rule::DuplicateKey`].
    OF_CONFIGURATION:
    /// No name of a branch.
    BadBranch = "bad-branch",
    /// No template for one.
    BadCommitMessage = "bad-commit-message",
    /// No name for one, or one too like another.
    BadEnvironmentName = "bad-environment-name",
    /// No folder of the repository.
    BadFolder = "bad-folder",
    /// No pattern.
    BadGlob = "bad-glob",
    /// A key that is no text.
    BadKey = "bad-key",
    /// No JSON pointer.
    BadPointer = "bad-pointer",
    /// A transport that is not spoken.
    BadScheme = "bad-scheme",
    /// No address.
    BadUrl = "bad-url",
    /// Of another type, or none of the choices.
    BadValue = "bad-value",
    /// They do not fit the address.
    CredentialsMismatch = "credentials-mismatch",
    /// Nothing in it.
    EmptyFile = "empty-file",
    /// Flows and records.
    FoldersOverlap = "folders-overlap",
    /// `http`, and nobody allowed it.
    InsecureUrl = "insecure-url",
    /// `<<`.
    MergeKey = "merge-key",
    /// A required one.
    MissingKey = "missing-key",
    /// Not exactly one of several keys.
    OneOf = "one-of",
    /// A number or a time.
    OutOfRange = "out-of-range",
    /// Two environments are one.
    SameTenant = "same-tenant",
    /// A secret written out.
    SecretLiteral = "secret-literal",
    /// Neither variable nor file.
    SecretSource = "secret-source",
    /// Of a section.
    UnknownKey = "unknown-key",
    /// Of the file.
    UnknownVersion = "unknown-version",
    /// Credentials in an address.
    UrlCredentials = "url-credentials",
    /// No YAML.
    YamlSyntax = "yaml-syntax",
    ;
}

impl Rule {
    /// The rule of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::OF_FLOWS.iter().chain(Self::OF_CONFIGURATION).copied().find(|rule| rule.as_str() == name)
    }
}

impl PartialOrd for Rule {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rule {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let none = || serde::de::Error::custom(format_args!("expected the name of a rule, found {name:?}"));
        Self::named(&name).ok_or_else(none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own() {
        for rule in Rule::OF_FLOWS.iter().chain(Rule::OF_CONFIGURATION) {
            assert_eq!(Rule::named(rule.as_str()), Some(*rule));
        }
        assert_eq!(Rule::named("no-such-rule"), None);
    }
}
