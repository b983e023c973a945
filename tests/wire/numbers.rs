//! The numbers and names that the inner rooms use are those of the format.

use crate::golden;
use foregather::domain::{Code, LeaveReason, OwnerPolicy};
use std::collections::BTreeMap;

/// The values of an enum of the format by number, their names without the prefix.
fn values(name: &str, prefix: &str) -> BTreeMap<i32, String> {
    let file = golden::descriptor().parent_file();
    let values = file.enums().find(|kind| kind.name() == name).expect("the format has this enum");
    let short = |name: &str| name.strip_prefix(prefix).expect("C# takes the prefix off").to_owned();
    values.values().map(|value| (value.number(), short(value.name()))).collect()
}

#[test]
fn status_codes_are_those_of_the_format() {
    let ours: BTreeMap<i32, String> = Code::ALL.iter().map(|&code| (code as i32, code.name().to_owned())).collect();
    assert_eq!(ours, values("StatusCode", "STATUS_CODE_"));
    assert_eq!(ours.len(), Code::ALL.len());
    for &code in Code::ALL {
        assert_eq!(Code::from_number(code as i32), Some(code));
    }
    assert_eq!(Code::from_number(1), None);
}

#[test]
fn leave_reasons_are_those_of_the_format() {
    let theirs = values("LeaveReason", "LEAVE_REASON_");
    assert!(theirs.len() >= 7, "{theirs:?}");
    for (&number, name) in &theirs {
        let reason = LeaveReason::from_number(number);
        assert_eq!((reason as i32, reason.name()), (number, name.as_str()));
    }
    // One that only we knew would show here.
    for number in (-10..1_000).filter(|number| !theirs.contains_key(number)) {
        assert_eq!(LeaveReason::from_number(number), LeaveReason::Unregistered, "{number}");
    }
}

#[test]
fn owner_policies_are_those_of_the_format() {
    let theirs = values("OwnerPolicy", "OWNER_POLICY_");
    let ours = (-10..1_000).filter_map(OwnerPolicy::from_number);
    let ours: BTreeMap<i32, String> = ours.map(|policy| (policy as i32, policy.name().to_owned())).collect();
    assert_eq!(ours, theirs);
    assert_eq!(OwnerPolicy::from_number(0), Some(OwnerPolicy::default()), "what is absent at birth");
}
