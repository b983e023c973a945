/// Whether `ns` is one of those that `pattern` stands for, segment by segment.
pub fn matches(pattern: &str, ns: &str) -> bool {
    let wanted: Vec<&str> = pattern.split('/').collect();
    let given: Vec<&str> = ns.split('/').collect();
    match wanted.split_last() {
        Some((&"**", root)) => given.len() > root.len() && given.starts_with(root),
        Some((&"*", root)) => given.len() == root.len() + 1 && given.starts_with(root),
        _ => wanted == given,
    }
}

/// Whether `pattern` may stand for several namespaces.
pub fn is_wild(pattern: &str) -> bool {
    pattern.ends_with("/*") || pattern.ends_with("/**")
}
