//! Reads Rust far enough to know what is code, and which paths it names.

/// The same text with comments blanked out, and with literals too; lines stay
/// where they are.
pub struct Source {
    /// Without comments.
    pub with_texts: String,
    /// Without comments, and without what stands between quotes.
    pub code: String,
}

impl Source {
    pub fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut source = Self { with_texts: String::new(), code: String::new() };
        let mut at = 0;
        while at < chars.len() {
            let (kind, end) = piece(&chars, at);
            for &char in &chars[at..end] {
                let blank = if char == '\n' { '\n' } else { ' ' };
                source.with_texts.push(if kind == Kind::Comment { blank } else { char });
                source.code.push(if kind == Kind::Code { char } else { blank });
            }
            at = end;
        }
        source
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Comment,
    /// A text or character; its quotes too.
    Literal,
}

/// What begins at `at`, and where it ends.
fn piece(chars: &[char], at: usize) -> (Kind, usize) {
    let follows =
        |from: usize, text: &str| text.chars().enumerate().all(|(i, char)| chars.get(from + i) == Some(&char));
    if follows(at, "//") {
        let end = chars[at..].iter().position(|&char| char == '\n').map_or(chars.len(), |line| at + line);
        return (Kind::Comment, end);
    }
    if follows(at, "/*") {
        let (mut depth, mut end) = (1, at + 2);
        while depth > 0 && end < chars.len() {
            if follows(end, "/*") {
                (depth, end) = (depth + 1, end + 2);
            } else if follows(end, "*/") {
                (depth, end) = (depth - 1, end + 2);
            } else {
                end += 1;
            }
        }
        return (Kind::Comment, end);
    }
    match chars[at] {
        '"' => (Kind::Literal, quoted(chars, at)),
        // A character, unless it is a lifetime: 'a' is closed, 'a is not.
        '\'' if chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'') => {
            (Kind::Literal, quoted(chars, at))
        }
        'r' if !at.checked_sub(1).is_some_and(|before| in_word(chars[before]) && chars[before] != 'b') => {
            let hashes = chars[at + 1..].iter().take_while(|&&char| char == '#').count();
            if chars.get(at + 1 + hashes) != Some(&'"') {
                return (Kind::Code, at + 1);
            }
            let close = format!("\"{}", "#".repeat(hashes));
            let begin = at + 2 + hashes;
            let end = (begin..chars.len()).find(|&end| follows(end, &close)).unwrap_or(chars.len());
            (Kind::Literal, (end + close.len()).min(chars.len()))
        }
        _ => (Kind::Code, at + 1),
    }
}

/// Where a literal ends that begins with a quote at `at`.
fn quoted(chars: &[char], at: usize) -> usize {
    let mut end = at + 1;
    while end < chars.len() && chars[end] != chars[at] {
        end += if chars[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(chars.len())
}

fn in_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// A path that the code names, as `crate::domain::Time` or `HashMap::new`. What
/// is said relative to the file's own place (`super::Time`) is said from the
/// crate's root.
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
}

impl Named {
    /// Whether these segments stand in it, one after the other: `Instant::now`
    /// in `std::time::Instant::now`.
    pub fn holds(&self, segments: &str) -> bool {
        let segments: Vec<&str> = segments.split("::").collect();
        self.path.windows(segments.len()).any(|window| window == segments)
    }
}

/// Every path that `code` names, in `use` or elsewhere, trees of braces unfolded.
pub fn paths(file: &str, code: &str) -> Vec<Named> {
    let mut reader = Reader { tokens: tokens(code), at: 0, module: module(file), found: Vec::new() };
    reader.items();
    reader.found
}

/// The module that a file is, from the crate's root; of a test, that root alone.
fn module(file: &str) -> Vec<String> {
    let Some(inside) = file.strip_prefix("src/").and_then(|file| file.strip_suffix(".rs")) else { return Vec::new() };
    let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
    module.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    module
}

/// Words, `::`, and single other characters, each with its line.
fn tokens(code: &str) -> Vec<(String, usize)> {
    let mut tokens: Vec<(String, usize)> = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                _ if in_word(first) => rest.find(|char| !in_word(char)).unwrap_or(rest.len()),
                ':' if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            tokens.push((rest[..length].to_owned(), index + 1));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

struct Reader {
    tokens: Vec<(String, usize)>,
    at: usize,
    module: Vec<String>,
    found: Vec<Named>,
}

impl Reader {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |(token, _)| token)
    }

    /// Reads to the end, keeping count of the modules that it is in.
    fn items(&mut self) {
        let mut depth = 0;
        let mut inline_modules = Vec::new();
        while self.at < self.tokens.len() {
            match self.peek(0) {
                "mod" if self.peek(2) == "{" => {
                    let name = self.peek(1).to_owned();
                    self.module.push(name);
                    inline_modules.push(depth);
                    self.at += 2;
                }
                "{" => {
                    depth += 1;
                    self.at += 1;
                }
                "}" => {
                    depth -= 1;
                    if inline_modules.pop_if(|opened| *opened == depth).is_some() {
                        self.module.pop();
                    }
                    self.at += 1;
                }
                word if word.starts_with(in_word) => self.path(Vec::new()),
                _ => self.at += 1,
            }
        }
    }

    /// Reads what follows `prefix` in a path, and notes all that it comes to.
    fn path(&mut self, mut prefix: Vec<String>) {
        let line = self.tokens[self.at].1;
        loop {
            if self.peek(0) == "{" {
                return self.tree(&prefix);
            }
            prefix.push(self.peek(0).to_owned());
            self.at += 1;
            let goes_on =
                self.peek(0) == "::" && (self.peek(1).starts_with(in_word) || ["{", "*"].contains(&self.peek(1)));
            if !goes_on {
                break;
            }
            self.at += 1;
        }
        self.found.push(Named { path: self.absolute(prefix), line });
    }

    /// Reads `{a, b::c as d, e::{f, g}}`.
    fn tree(&mut self, prefix: &[String]) {
        self.at += 1;
        while self.at < self.tokens.len() && self.peek(0) != "}" {
            if self.peek(0) == "," {
                self.at += 1;
            } else {
                self.path(prefix.to_vec());
            }
            if self.peek(0) == "as" {
                self.at += 2;
            }
        }
        self.at += 1;
    }

    fn absolute(&self, path: Vec<String>) -> Vec<String> {
        let up = path.iter().take_while(|segment| *segment == "super").count();
        let own = path.first().is_some_and(|first| first == "self");
        match path.first().map(String::as_str) {
            // The program and the tests know the library by its name.
            Some("foregather") => [&["crate".to_owned()], &path[1..]].concat(),
            _ if up > 0 || (own && path.len() > 1) => {
                let module = &self.module[..self.module.len().saturating_sub(up)];
                [&["crate".to_owned()], module, &path[up.max(1)..]].concat()
            }
            _ => path,
        }
    }
}
