//! What is to be checked: which folder or file, where it lies, and which flows it belongs together with.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::cli::context::{Context, shown};
use crate::cli::output::Failure;
use crate::config::Config;
use crate::controller::bad_entry;
use crate::format::{Format, Unit};
use crate::problem::Problem;
use crate::source::{BadEntry, FlowSelection, WorkTree, discover_work_tree};

/// A folder or file to be checked, and from where on its path no link is followed.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Target {
    /// As a person would type it.
    pub(super) path: PathBuf,
    pub(super) tree: WorkTree,
    /// The path from the root of the tree; empty where it is the root itself.
    pub(in crate::cli) below: String,
    pub(super) selection: FlowSelection,
    kin: Kin,
    /// Whether it lies in the work tree of the current directory: only that one is known to be what is deployed.
    is_here: bool,
}

/// Which flows are deployed together, so that an id may stand among them once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kin {
    /// A flows folder of the configuration.
    FlowsFolder(PathBuf),
    /// A folder that was named.
    Folder(PathBuf),
    /// Files that were named and lie in no flows folder.
    Loose,
}

impl Target {
    /// A path that a person typed. In the work tree around the current directory no link below its root is
    /// followed, as in a commit; elsewhere the path is the person's own word, and only what lies in it is checked.
    pub(in crate::cli) fn typed(path: &Path, config: Option<&Config>) -> Result<Self, Failure> {
        let here = std::env::current_dir().map_err(|error| Failure::of(&error))?;
        let whole = without_parents(&here.join(path));
        match discover_work_tree(&here)? {
            Some(tree) => {
                if let Some(below) = below_root(&tree, &whole) {
                    return Ok(Self { is_here: true, ..Self::inside(path, tree, below, config)? });
                }
            }
            // A flows folder of the configuration below the current one is what it is without a name.
            None => {
                let tree = WorkTree::at(&here);
                if let Some(below) = below_root(&tree, &whole)
                    && let Ok(found) = Self::inside(path, tree, below, config)
                    && matches!(found.kin, Kin::FlowsFolder(_))
                {
                    return Ok(Self { is_here: true, ..found });
                }
            }
        }
        Self::alone(path, None)
    }

    /// A file of the tree that it lies in, by its path from the root; no link on the way is followed.
    pub(in crate::cli) fn read_beside(&self, path: &str) -> Result<Option<Arc<[u8]>>, Failure> {
        match self.tree.bad_on_the_way(path)? {
            None => Ok(self.tree.read(path)?),
            Some(_) => Ok(None),
        }
    }

    /// A path whose folders are taken as they are. The work tree that it lies in, if it does, says which of its
    /// files git changes and which are not checked out.
    pub(in crate::cli) fn alone(path: &Path, config: Option<&Config>) -> Result<Self, Failure> {
        if let Ok(real) = path.canonicalize()
            && let Some(tree) = discover_work_tree(if real.is_dir() { &real } else { real.parent().unwrap_or(&real) })?
            && let Some(below) = below_root(&tree, &real)
        {
            return Self::inside(path, tree, below, config);
        }
        let (root, below) = match (path.is_dir(), path.parent(), path.file_name()) {
            (false, Some(parent), Some(name)) => (parent, name.to_string_lossy().into_owned()),
            _ => (path, String::new()),
        };
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        Self::inside(path, WorkTree::at(root), below, None)
    }

    fn inside(path: &Path, tree: WorkTree, below: String, config: Option<&Config>) -> Result<Self, Failure> {
        let repositories = config.iter().flat_map(|config| config.environments.values()).map(|it| &it.repository);
        let selections = repositories.map(FlowSelection::of).filter(|selection| selection.holds(&below));
        let innermost = selections.max_by_key(|selection| selection.folder().len());
        let place = |folder: &str| tree.root().join(folder);
        let is_folder = tree.is_folder(&below)?.ok_or_else(|| absent(path))?;
        let (selection, kin) = match innermost {
            Some(selection) => {
                let kin = Kin::FlowsFolder(place(selection.folder()));
                (selection, kin)
            }
            None if is_folder => {
                let format = format_of(&place(&below), FORMAT_DEPTH);
                (FlowSelection::whole(&below).in_format(format), Kin::Folder(place(&below)))
            }
            None => {
                let folder = below.rsplit_once('/').map_or("", |(folder, _)| folder);
                let format = format_of(&place(folder), 0);
                (FlowSelection::whole(folder).in_format(format), Kin::Loose)
            }
        };
        Ok(Self { path: path.to_owned(), tree, below, selection, kin, is_here: false })
    }

    /// How its flows stand in files.
    pub(in crate::cli) fn format(&self) -> Format {
        self.selection.format()
    }

    /// The same, for flows that are brought there; `None` where the configuration says that its flows stand in files in
    /// another way.
    pub(in crate::cli) fn for_flows_in(self, format: Format, config: Option<&Config>) -> Option<Self> {
        let is_settled = config.is_some() && matches!(self.kin, Kin::FlowsFolder(_));
        let fits = !is_settled || self.selection.format() == format;
        fits.then(|| self.in_format(format))
    }

    /// The same, with flows that are known to stand in files in this way.
    pub(in crate::cli) fn in_format(self, format: Format) -> Self {
        Self { selection: self.selection.in_format(format), ..self }
    }

    /// The root of the tree it lies in.
    pub(in crate::cli) fn root(&self) -> &Path {
        self.tree.root()
    }

    /// The files of each flow below a path from the root, by paths from there.
    pub(in crate::cli) fn units(&self, below: &str) -> Result<Vec<Unit>, Failure> {
        let mut units = Vec::new();
        for path in self.tree.list(&self.selection, below)?.entries {
            units.extend(self.tree.read_unit(self.format(), &path)?);
        }
        Ok(units)
    }

    /// Whether there is such a file or folder, on the disk or in the index.
    pub(in crate::cli) fn exists(&self) -> Result<bool, Failure> {
        Ok(self.tree.is_folder(&self.below)?.is_some())
    }

    /// The root of the tree it lies in, where that is the work tree of the current directory.
    pub(super) fn root_here(&self) -> Option<&Path> {
        self.is_here.then(|| self.tree.root())
    }

    /// The folder, from the root, that its flows belong together in.
    pub(in crate::cli) fn kin_folder(&self) -> &str {
        self.selection.folder()
    }

    /// The path, where no link or submodule stands on the way to it.
    pub(in crate::cli) fn without_links(self) -> Result<PathBuf, Failure> {
        match self.bad_on_the_way()? {
            None => Ok(self.path),
            Some(problem) => Err(Failure::other(format!("`{}`: {}", problem.place.file, problem.message))),
        }
    }

    pub(super) fn bad_on_the_way(&self) -> Result<Option<Problem>, Failure> {
        let bad = self.tree.bad_on_the_way(&self.below)?;
        let shown = |path: &str| shown(&self.tree.root().join(path));
        Ok(bad.map(|BadEntry { path, reason }| bad_entry(&BadEntry { path: shown(&path), reason })))
    }

    /// A path from the root of the tree, as a person would type it.
    pub(in crate::cli) fn name(&self, from_root: &str) -> String {
        let below = from_root.strip_prefix(&self.below).unwrap_or(from_root).trim_start_matches('/');
        let shown = shown(&self.path);
        let name = if below.is_empty() { shown } else { Path::new(&shown).join(below).display().to_string() };
        name.trim_start_matches("./").to_owned()
    }
}

/// So many folders deep the first flow is looked for, where no configuration says how flows stand in files.
const FORMAT_DEPTH: usize = 3;
/// So much of a file is looked at.
const FORMAT_BYTES: u64 = 4096;

/// How flows stand in a folder, by the first that is found there.
fn format_of(folder: &Path, depth: usize) -> Format {
    let says_so = |path: &Path| {
        let mut beginning = Vec::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(FORMAT_BYTES).read_to_end(&mut beginning));
        read.is_ok() && String::from_utf8_lossy(&beginning).contains("\"cognigy-flow/")
    };
    if Format::CognigyFlow.head().is_some_and(|head| says_so(&folder.join(head))) {
        return Format::CognigyFlow;
    }
    let entries = if depth > 0 { std::fs::read_dir(folder).ok() } else { None };
    let folders = entries.into_iter().flatten().flatten().filter(|it| it.file_type().is_ok_and(|kind| kind.is_dir()));
    let found = folders.map(|it| format_of(&it.path(), depth - 1)).find(|it| *it != Format::default());
    found.unwrap_or_default()
}

fn absent(path: &Path) -> Failure {
    Failure::other(format!("cannot read `{}`: there is no such file or folder", path.display()))
}

/// Targets that hold flows of one deployment.
pub(super) fn groups(targets: Vec<Target>) -> Vec<Vec<Target>> {
    let mut groups: std::collections::BTreeMap<Kin, Vec<Target>> = std::collections::BTreeMap::new();
    for target in targets {
        groups.entry(target.kin.clone()).or_default().push(target);
    }
    groups.into_values().collect()
}

fn below_root(tree: &WorkTree, whole: &Path) -> Option<String> {
    let below = whole.strip_prefix(tree.root()).ok()?;
    below.components().collect::<PathBuf>().to_str().map(str::to_owned)
}

/// Whatever stands before the last `..` is what the system says it is; then a path from the root can be compared.
fn without_parents(path: &Path) -> PathBuf {
    let parts: Vec<Component<'_>> = path.components().collect();
    let n_before = parts.iter().rposition(|part| *part == Component::ParentDir).map_or(0, |at| at + 1);
    let before: PathBuf = parts[..n_before].iter().collect();
    before.canonicalize().unwrap_or(before).join(parts[n_before..].iter().collect::<PathBuf>())
}

/// The flows folders of the configuration (of one environment, or of all), else `./flows`.
pub(in crate::cli) fn default_folders(context: &Context, environment: Option<&str>) -> Result<Vec<Target>, Failure> {
    let here = std::env::current_dir().map_err(|error| Failure::of(&error))?;
    let tree = discover_work_tree(&here)?.unwrap_or_else(|| WorkTree::at(&here));
    let target = |selection: FlowSelection| {
        let below = selection.folder().to_owned();
        let path = tree.root().join(&below);
        Target { kin: Kin::FlowsFolder(path.clone()), path, tree: tree.clone(), below, selection, is_here: true }
    };
    let Some(config) = context.config_if_there()? else {
        let format = format_of(&tree.root().join("flows"), FORMAT_DEPTH);
        return Ok(vec![target(FlowSelection::whole("flows").in_format(format))]);
    };
    let meant = config.environments.values().filter(|it| environment.is_none_or(|name| it.name == name));
    let mut targets: Vec<Target> = meant.map(|it| target(FlowSelection::of(&it.repository))).collect();
    targets.sort_by(|one, other| one.below.cmp(&other.below));
    targets.dedup_by(|one, other| one.below == other.below);
    Ok(targets)
}
