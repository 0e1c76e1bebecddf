//! What is read of the guards of `sync`: windows, flows that are protected, keys of those who sign.

use std::path::PathBuf;
use std::time::Duration;

use super::tests::{check, file, parse, problems};
use super::*;

#[test]
fn windows_are_read_with_what_is_wrong_in_each() {
    let windows = |items: &str| file("", "", &format!("      windows: {items}"));
    let text = windows(
        "[ { kind: deny, schedule: \"0 22 * * 1-5\", duration: 8h, timeZone: Europe/Berlin }, { kind: allow, schedule: '0  9 * * *', duration: 1d } ]",
    );
    let config = parse(&text).unwrap();
    let [night, day] = &config.environments["production"].sync.windows[..] else { panic!() };
    assert_eq!((night.kind, night.duration), (WindowKind::Deny, Duration::from_secs(8 * 3600)));
    assert_eq!((night.schedule.written(), night.schedule.time_zone()), ("0 22 * * 1-5", "Europe/Berlin"));
    assert_eq!((day.kind, day.schedule.written(), day.schedule.time_zone()), (WindowKind::Allow, "0 9 * * *", "UTC"));
    assert!(parse(&windows("")).unwrap().environments["production"].sync.windows.is_empty());
    check(
        &windows("[ { kind: denny, schedule: \"0 22 * *\", duration: 30s, timeZone: Europe/Berln, zone: x }, 7 ]"),
        &[
            "14:26: error[bad-value] `kind`: expected `allow` or `deny`, found `denny` (did you mean `deny`?)",
            "14:43: error[bad-value] `schedule`: expected a cron schedule, found `0 22 * *`: expected five fields, found 4 \
             (minute, hour, day of the month, month, day of the week: `0 22 * * 1-5` is 22:00 from Monday to Friday)",
            "14:65: error[out-of-range] `duration`: expected a duration from `1m` to `366d`, found `30s`",
            "14:80: error[bad-value] `timeZone`: expected the IANA name of a time zone, found `Europe/Berln` (for example \
             `Europe/Berlin` or `UTC`)",
            "14:94: error[unknown-key] `windows`: unknown key `zone` in a window (known keys are `kind`, `schedule`, `duration`, `timeZone`)",
            "14:105: error[bad-value] `windows`: expected a mapping for a window, found a number (known keys are `kind`, \
             `schedule`, `duration`, `timeZone`)",
        ],
    );
}

#[test]
fn what_is_protected_is_told_by_globs_that_could_name_a_flow() {
    let protect = |items: &str| file("", "", &format!("      protect: {items}"));
    let config = parse(&protect("[ 'flow_pay*', '*Main', flow_a, 'flow_{b,c}?' ]")).unwrap();
    let protect_set = &config.environments["production"].sync.protect;
    let held = |id: &str| protect_set.holds(&id.parse().unwrap());
    for id in ["flow_pay", "flow_payOut", "flow_xMain", "flow_a", "flow_b1", "flow_c2"] {
        assert!(held(id), "{id}");
    }
    for id in ["flow_Pay", "flow_ab", "flow_b", "flow_Mainx"] {
        assert!(!held(id), "{id}");
    }
    check(
        &protect("[ 'pay*', 'flow_[', 7 ]"),
        &[
            "14:18: error[bad-value] `protect`: expected a glob over ids of flows, found `pay*`: it names no flow (ids begin with \
             `flow_`: write `flow_pay*`)",
            "14:26: error[bad-value] `protect`: expected a glob over ids of flows, found `flow_[`: unclosed character class; \
             missing ']'",
            "14:36: error[bad-value] `protect`: expected text, found the number `7` (put it in quotes)",
        ],
    );
    assert_eq!(problems(&protect("flow_pay*")).len(), 1);
}

#[test]
fn keys_of_those_who_sign_lie_beside_the_configuration() {
    let verify = |section: &str| file("", "", &format!("      verify: {section}"));
    let config = parse(&verify("{ allowedSigners: keys/signers, openpgpKeys: /etc/keys.asc }")).unwrap();
    let expected = Verify {
        allowed_signers: Some(PathBuf::from("acme/keys/signers")),
        openpgp_keys: Some(PathBuf::from("/etc/keys.asc")),
    };
    assert_eq!(config.environments["production"].sync.verify, Some(expected));
    check(
        &verify("{}"),
        &[
            "14:15: error[bad-value] `verify`: expected `allowedSigners` or `openpgpKeys`, found neither (name a file with the keys \
           of those who may change flows)",
        ],
    );
    for bad in ["signers", "{ allowedSigner: x }", "{ allowedSigners: [x] }", "{ allowedSigners: '' }"] {
        assert!(!problems(&verify(bad)).is_empty(), "{bad}");
    }
}
