//! Which file of `src` needs which: paths are followed, through re-exports, to the file that defines what they name.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::Source;
use super::tokens::{Token, tokens};

/// From a file to the files it needs, its tests left out.
pub type Needs = BTreeMap<String, BTreeSet<String>>;

/// The modules of the crate, by their path.
#[derive(Default)]
struct Modules(BTreeMap<Path, Module>);

/// The names of modules from the root of the crate.
type Path = Vec<String>;

#[derive(Default)]
struct Module {
    file: String,
    imports: Vec<Import>,
    /// Names in its code.
    words: BTreeSet<String>,
    /// Paths in its code, such as `list::ids`.
    named: Vec<Path>,
}

/// What one name of a `use` stands for; `*` is every name.
struct Import {
    name: String,
    path: Path,
    is_public: bool,
}

/// What a path leads to.
enum Found {
    Module(Path),
    /// Something that this file defines.
    In(String),
}

/// Re-exports of re-exports end here.
const STEPS_MAX: usize = 16;

/// Who needs whom. A module that is named is not needed, but what is named in it.
pub fn needs(sources: &[Source]) -> Needs {
    let modules = Modules::of(sources);
    let mut needs = Needs::new();
    for (path, module) in &modules.0 {
        for needed in modules.needed_by(path, module).filter(|needed| *needed != module.file) {
            needs.entry(module.file.clone()).or_default().insert(needed);
        }
    }
    needs
}

impl Modules {
    fn of(sources: &[Source]) -> Self {
        let mut modules = Self::default();
        for Source { path, code, product } in sources {
            let tokens = tokens(&code[..*product]);
            let mut reader = Reader { modules: &mut modules, file: path, tokens: &tokens, at: 0 };
            reader.read(module_of(path));
        }
        modules
    }

    fn needed_by(&self, path: &Path, module: &Module) -> impl Iterator<Item = String> {
        // What is only handed on is not needed.
        let is_used = |import: &&Import| !import.is_public || module.words.contains(&import.name);
        let imported = module.imports.iter().filter(is_used).map(|import| (import.name == "*", &import.path));
        let named = module.named.iter().map(|named| (false, named));
        imported.chain(named).filter_map(|(is_glob, named)| match self.find(path, named, STEPS_MAX)? {
            Found::In(file) => Some(file),
            Found::Module(path) if is_glob => Some(self.0.get(&path)?.file.clone()),
            Found::Module(_) => None,
        })
    }

    fn find(&self, from: &Path, named: &[String], steps: usize) -> Option<Found> {
        let (mut at, mut rest) = (from.clone(), named);
        let steps = steps.checked_sub(1)?;
        let mut is_relative = true;
        while let [first, more @ ..] = rest {
            match first.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => _ = at.pop(),
                _ => break,
            }
            (is_relative, rest) = (false, more);
        }
        while let [name, more @ ..] = rest {
            rest = more;
            let child: Path = at.iter().chain([name]).cloned().collect();
            let imported = self.imported(&at, name, steps);
            match imported {
                Some(found) if rest.is_empty() => return Some(found),
                _ if self.0.contains_key(&child) => at = child,
                Some(Found::Module(path)) => at = path,
                Some(found) => return Some(found),
                None if is_relative => return None,
                None => return Some(Found::In(self.0.get(&at)?.file.clone())),
            }
            is_relative = false;
        }
        Some(Found::Module(at))
    }

    /// What a name stands for that a module has from elsewhere.
    fn imported(&self, at: &Path, name: &str, steps: usize) -> Option<Found> {
        let imports = &self.0.get(at)?.imports;
        let named = imports
            .iter()
            .filter(|import| import.name == name && import.path.first().is_none_or(|first| first != name));
        named.filter_map(|import| self.find(at, &import.path, steps)).next()
    }
}

/// The modules a file stands in, and itself: none for `lib.rs`.
fn module_of(file: &str) -> Path {
    let below = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    below.split('/').filter(|name| *name != "lib").map(str::to_owned).collect()
}

/// Reads the tokens of one file.
struct Reader<'a> {
    modules: &'a mut Modules,
    file: &'a str,
    tokens: &'a [Token<'a>],
    at: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    fn is(&self, ahead: usize, token: Token<'_>) -> bool {
        self.tokens.get(self.at + ahead) == Some(&token)
    }

    /// Reads up to the bracket that ends the module.
    fn read(&mut self, path: Path) {
        let mut module = Module { file: self.file.to_owned(), ..Module::default() };
        let mut depth = 0;
        while let Some(token) = self.next() {
            match token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') if depth == 0 => break,
                Token::Mark('}') => depth -= 1,
                Token::Word("use") => {
                    let before = self.at.checked_sub(2).and_then(|at| self.tokens.get(at));
                    let is_public = matches!(before, Some(Token::Word("pub") | Token::Mark(')')));
                    self.imports(&[], is_public, &mut module.imports);
                }
                Token::Word("mod") if self.is(1, Token::Mark('{')) => {
                    let name = self.next();
                    self.next();
                    if let Some(Token::Word(name)) = name {
                        self.read(path.iter().cloned().chain([name.to_owned()]).collect());
                    }
                }
                Token::Word("mod") => self.at += 1,
                Token::Word(first) => {
                    // `.name`, `fn name` and `name:` are names of other things.
                    let before = self.at.checked_sub(2).map(|at| self.tokens[at]);
                    let is_other = matches!(before, Some(Token::Mark('.') | Token::Word("fn")));
                    if !is_other && !self.is(0, Token::Mark(':')) {
                        module.words.insert(first.to_owned());
                    }
                    self.path(first, &mut module.named);
                }
                _ => {}
            }
        }
        self.modules.0.insert(path, module);
    }

    /// A path of two names or more; the first one was read.
    fn path(&mut self, first: &str, named: &mut Vec<Path>) {
        let mut path = vec![first.to_owned()];
        while self.is(0, Token::Colons) {
            let Some(Token::Word(name)) = self.tokens.get(self.at + 1) else { break };
            path.push((*name).to_owned());
            self.at += 2;
        }
        if path.len() > 1 {
            named.push(path);
        }
    }

    /// What stands after `use` and `before`, or in the brackets of it.
    fn imports(&mut self, before: &[String], is_public: bool, imports: &mut Vec<Import>) {
        let mut path = before.to_vec();
        loop {
            match self.next() {
                Some(Token::Word("as")) => {
                    if let Some(Token::Word(name)) = self.next() {
                        imports.push(Import { name: name.to_owned(), path, is_public });
                    }
                    return;
                }
                Some(Token::Word(name)) => path.push(name.to_owned()),
                Some(Token::Mark('*')) => {
                    imports.push(Import { name: "*".to_owned(), path, is_public });
                    return;
                }
                Some(Token::Mark('{')) => {
                    while !self.is(0, Token::Mark('}')) {
                        self.imports(&path, is_public, imports);
                        self.at += usize::from(self.is(0, Token::Mark(',')));
                    }
                    self.at += 1;
                    return;
                }
                Some(Token::Colons) => continue,
                _ => return,
            }
            if !self.is(0, Token::Colons) && !self.is(0, Token::Word("as")) {
                break;
            }
        }
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        imports.extend(path.last().cloned().map(|name| Import { name, path, is_public }));
    }
}
