use super::{Code, Refusal};
use std::{borrow::Borrow, fmt, sync::Arc};

/// Where peers meet: segments split by `/`, the first of which is the
/// application. 1 to 255 bytes, no segment empty, no control characters, no `*`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Arc<str>);

impl Namespace {
    /// The longest one, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 255;

    /// Reads a namespace.
    ///
    /// # Errors
    /// `INVALID_NAMESPACE`, with the rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() <= Self::MAX_BYTES && is_plain(text) {
            return Ok(Self(text.into()));
        }
        let broken = |rule: String| Err(Refusal::new(Code::InvalidNamespace, rule));
        if text.is_empty() {
            return broken("the namespace is empty; name one, for example \"chess/lobby\"".into());
        }
        if text.len() > Self::MAX_BYTES {
            return broken(format!("the namespace is {} bytes long; the limit is {}", text.len(), Self::MAX_BYTES));
        }
        if text.split('/').any(str::is_empty) {
            return broken("the namespace has an empty segment; leave out the surplus '/'".into());
        }
        if text.contains('*') {
            return broken(
                "'*' stands only at the end of a pattern that is watched or listed: \"a/*\" or \"a/**\"".into(),
            );
        }
        if text.chars().any(char::is_control) {
            return broken("the namespace holds a control character".into());
        }
        Ok(Self(text.into()))
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one of this name directly below it.
    ///
    /// # Errors
    /// `INVALID_NAMESPACE` if that would be too long.
    pub fn child(&self, segment: &str) -> Result<Self, Refusal> {
        Self::parse(&format!("{self}/{segment}"))
    }

    /// The one directly above it; `None` for an application.
    pub fn parent(&self) -> Option<&str> {
        let slash = self.0.bytes().rposition(|byte| byte == b'/')?;
        Some(&self.0[..slash])
    }

    /// The namespaces that this one is below, nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.rmatch_indices('/').map(|(slash, _)| &self.0[..slash])
    }
}

/// Whether a text is seen to be legal by one look at its bytes, as nearly all are.
fn is_plain(text: &str) -> bool {
    let mut before = b'/';
    for byte in text.bytes() {
        let breaks = !(b' '..=b'~').contains(&byte) || byte == b'*' || (byte == b'/' && before == b'/');
        if breaks {
            return false;
        }
        before = byte;
    }
    before != b'/'
}

impl Borrow<str> for Namespace {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Which namespaces a watch or a list is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// This one.
    Exact(Namespace),
    /// `ns/*`: those one level below it.
    Children(Namespace),
    /// `ns/**`: everything below it, itself not.
    Descendants(Namespace),
}

impl Pattern {
    /// Reads a namespace that may end in `/*` or `/**`.
    ///
    /// # Errors
    /// `INVALID_NAMESPACE`. The first segment, the application, must be spelled out.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if let Some(below) = text.strip_suffix("/**") {
            Namespace::parse(below).map(Self::Descendants)
        } else if let Some(below) = text.strip_suffix("/*") {
            Namespace::parse(below).map(Self::Children)
        } else {
            Namespace::parse(text).map(Self::Exact)
        }
    }

    /// Whether that namespace is one of these.
    pub fn matches(&self, ns: &str) -> bool {
        let below = |root: &Namespace| ns.strip_prefix(root.as_str()).and_then(|rest| rest.strip_prefix('/'));
        match self {
            Self::Exact(own) => own.as_str() == ns,
            Self::Children(root) => below(root).is_some_and(|rest| !rest.contains('/')),
            Self::Descendants(root) => below(root).is_some(),
        }
    }
}

impl From<Namespace> for Pattern {
    fn from(ns: Namespace) -> Self {
        Self::Exact(ns)
    }
}

impl From<&Namespace> for Pattern {
    fn from(ns: &Namespace) -> Self {
        Self::Exact(ns.clone())
    }
}

impl From<&Self> for Pattern {
    fn from(pattern: &Self) -> Self {
        pattern.clone()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(ns) => write!(f, "{ns}"),
            Self::Children(ns) => write!(f, "{ns}/*"),
            Self::Descendants(ns) => write!(f, "{ns}/**"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_1_to_255_bytes_of_whole_segments() {
        for good in ["a", "chess/K7QP", "é/ü", "a b/c.d", &"x".repeat(255)] {
            assert!(Namespace::parse(good).is_ok(), "{good:?}");
        }
        for bad in ["", "/", "/a", "a/", "a//b", "a*", "*", "a/*", "a\n", "a\u{7f}", "a\u{85}", &"x".repeat(256)] {
            let refusal = Namespace::parse(bad).expect_err(bad);
            assert_eq!(refusal.code, Code::InvalidNamespace, "{bad:?}");
        }
    }

    #[test]
    fn a_pattern_needs_its_application() {
        for (text, matching, other) in [
            ("a", vec!["a"], vec!["a/b", "ab", "b"]),
            ("a/*", vec!["a/b", "a/c"], vec!["a", "a/b/c", "ab/c", "b/a"]),
            ("a/**", vec!["a/b", "a/b/c"], vec!["a", "ab/c", "b/a/c"]),
        ] {
            let pattern = Pattern::parse(text).expect(text);
            assert_eq!(pattern.to_string(), text);
            assert!(matching.iter().all(|ns| pattern.matches(ns)), "{text}");
            assert!(!other.iter().any(|ns| pattern.matches(ns)), "{text}");
        }
        for bad in ["*", "**", "/*", "/**", "*/a", "a/*/b", "a/***", "a/**/*", "a*"] {
            assert!(Pattern::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ancestors_come_nearest_first() {
        let ns = Namespace::parse("a/b/c").expect("it is legal");
        assert_eq!(ns.ancestors().collect::<Vec<_>>(), ["a/b", "a"]);
    }
}
