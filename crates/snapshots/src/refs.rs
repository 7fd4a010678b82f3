//! Branches, tags, and how versions are named.

use flyball_core::{Digest, Error, ErrorCode, Name, Result};
use serde::Serialize;

use crate::commit::Commit;
use crate::project::{Dataset, ORIGIN, Project};
use crate::store::Store;

/// The reference of a branch.
pub(crate) fn branch_key(dataset: &Name, branch: &str) -> String {
    format!("{dataset}/heads/{branch}")
}

/// The reference of a tag.
pub(crate) fn tag_key(dataset: &Name, tag: &str) -> String {
    format!("{dataset}/tags/{tag}")
}

/// The reference that remembers where a branch was at the remote.
pub(crate) fn origin_key(dataset: &Name, branch: &str) -> String {
    format!("{dataset}/{ORIGIN}/{branch}")
}

/// A name of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// The branch or tag.
    pub name: String,
    /// What it names.
    pub commit: Digest,
    /// Whether it is the branch that lies in the folder.
    pub current: bool,
}

/// A commit with its id.
#[derive(Clone, Debug, Serialize)]
pub struct Logged {
    /// Its id.
    pub id: Digest,
    /// The branches and tags that name it.
    pub names: Vec<String>,
    /// What it holds.
    #[serde(flatten)]
    pub commit: Commit,
}

impl Project {
    /// The commit that is meant by `HEAD`, a branch, a tag, `origin/BRANCH` or the first digits of an id, with `~N` behind it for
    /// the N-th one before.
    ///
    /// # Errors
    /// `NotFound` when there is no such version.
    pub fn version(&self, name: &Name, dataset: &Dataset, word: &str) -> Result<Digest> {
        let (base, back) = match word.split_once('~') {
            None => (word, 0),
            Some((base, "")) => (base, 1),
            Some((base, back)) => match back.parse::<usize>() {
                Ok(back) => (base, back),
                Err(_) => return Err(Error::invalid(format!("'{word}' is no version")).hint("write it as main~2")),
            },
        };
        let unknown = || {
            Error::not_found("version", format_args!("{word} of {name}"))
                .hint("name a branch, a tag or an id; flyball data log shows them")
        };
        let mut id = self.base(name, dataset, base)?.ok_or_else(unknown)?;
        for _ in 0..back {
            id = *self.store.commit(&id)?.parents.first().ok_or_else(unknown)?;
        }
        Ok(id)
    }

    fn base(&self, name: &Name, dataset: &Dataset, base: &str) -> Result<Option<Digest>> {
        if base == "HEAD" || base.is_empty() {
            return Ok(dataset.commit);
        }
        if check_name(base.strip_prefix("origin/").unwrap_or(base)).is_ok() {
            let remote = base.strip_prefix("origin/").map(|branch| origin_key(name, branch));
            let keys = [Some(branch_key(name, base)), Some(tag_key(name, base)), remote];
            for key in keys.into_iter().flatten() {
                if let Some(id) = self.store.reference(&key)? {
                    return Ok(Some(id));
                }
            }
        }
        if base.len() < 4 || !base.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let wanted = base.to_ascii_lowercase();
        let commits = self.store.listed(crate::store::COMMITS)?;
        let mut found = commits.iter().map(|(id, _)| *id).filter(|id| id.to_string().starts_with(&wanted));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => {
                Err(Error::invalid(format!("several commits begin with {base}")).hint("write more of the id"))
            }
            (found, _) => Ok(found),
        }
    }

    /// The commits from a version backwards along first parents, the newest first, at most so many.
    ///
    /// # Errors
    /// `NotFound` for an unknown version, `InvalidData` when a commit is missing or damaged.
    pub fn log(&self, name: &Name, version: Option<&str>, most: usize) -> Result<Vec<Logged>> {
        let dataset = self.dataset(name)?;
        let mut next = match version {
            Some(version) => Some(self.version(name, &dataset, version)?),
            None => dataset.commit,
        };
        let mut names: Vec<(String, Digest)> = Vec::new();
        for folder in ["heads", "tags", ORIGIN] {
            let prefix = format!("{name}/{folder}/");
            for (key, id) in self.store.references(&prefix)? {
                let short = key.strip_prefix(&prefix).unwrap_or(&key);
                names.push((if folder == ORIGIN { format!("{ORIGIN}/{short}") } else { short.to_owned() }, id));
            }
        }
        let mut log = Vec::new();
        while let Some(id) = next.filter(|_| log.len() < most) {
            let commit = self.store.commit(&id)?;
            next = commit.parents.first().copied();
            let names = names.iter().filter(|(_, named)| *named == id).map(|(name, _)| name.clone()).collect();
            log.push(Logged { id, names, commit });
        }
        Ok(log)
    }

    /// The branches of a dataset.
    ///
    /// # Errors
    /// `NotFound` when there is no such dataset.
    pub fn branches(&self, name: &Name) -> Result<Vec<Reference>> {
        let dataset = self.dataset(name)?;
        let mut branches = self.named(name, "heads")?;
        branches.iter_mut().for_each(|branch| branch.current = dataset.branch.as_ref() == Some(&branch.name));
        Ok(branches)
    }

    /// The tags of a dataset.
    ///
    /// # Errors
    /// `NotFound` when there is no such dataset.
    pub fn tags(&self, name: &Name) -> Result<Vec<Reference>> {
        self.dataset(name)?;
        self.named(name, "tags")
    }

    fn named(&self, name: &Name, folder: &str) -> Result<Vec<Reference>> {
        let prefix = format!("{name}/{folder}/");
        let references = self.store.references(&prefix)?.into_iter().map(|(key, commit)| {
            let name = key.strip_prefix(&prefix).unwrap_or(&key).to_owned();
            Reference { name, commit, current: false }
        });
        Ok(references.collect())
    }

    /// Makes a branch or tag at a version (the one in the folder if none is named). Neither moves what lies in the folder.
    ///
    /// # Errors
    /// `AlreadyExists` when there is one of that name, `InvalidName`, `NotFound` for an unknown version.
    pub fn make(&self, kind: ReferenceKind, name: &Name, reference: &str, version: Option<&str>) -> Result<Reference> {
        check_name(reference)?;
        let _lock = self.lock()?;
        let dataset = self.dataset(name)?;
        let commit = self.version(name, &dataset, version.unwrap_or("HEAD"))?;
        let key = kind.key(name, reference);
        if self.store.reference(&key)?.is_some() {
            let message = format!("{name} has a {} '{reference}' already", kind.word());
            return Err(Error::new(ErrorCode::AlreadyExists, message).hint("delete it first, or choose another name"));
        }
        self.store.move_reference(&key, None, &commit)?;
        Ok(Reference { name: reference.to_owned(), commit, current: false })
    }

    /// Removes a branch or tag; its versions stay until `gc` finds that nothing else names them.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Conflict` for the branch that lies in the folder.
    pub fn delete(&self, kind: ReferenceKind, name: &Name, reference: &str) -> Result<()> {
        check_name(reference)?;
        let _lock = self.lock()?;
        let dataset = self.dataset(name)?;
        if kind == ReferenceKind::Branch && dataset.branch.as_deref() == Some(reference) {
            return Err(Error::new(ErrorCode::Conflict, format!("the branch '{reference}' is checked out"))
                .hint("check out another one first"));
        }
        let key = kind.key(name, reference);
        if self.store.reference(&key)?.is_none() {
            return Err(Error::not_found(kind.word(), reference));
        }
        self.store.delete_reference(&key)
    }
}

/// What names a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKind {
    /// Moves on with each commit.
    Branch,
    /// Stays where it is.
    Tag,
}

impl ReferenceKind {
    fn word(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
        }
    }

    fn key(self, dataset: &Name, name: &str) -> String {
        match self {
            Self::Branch => branch_key(dataset, name),
            Self::Tag => tag_key(dataset, name),
        }
    }
}

/// Branches and tags are called as everything else is, and not as what stands for something.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if name == "HEAD" || name == ORIGIN || name.contains("..") {
        return Err(Error::new(ErrorCode::InvalidName, format!("'{name}' stands for something else"))
            .hint("choose another name"));
    }
    name.parse::<Name>().map(drop)
}

/// Whether a commit is another one or came before it.
pub(crate) fn is_before(store: &Store, older: &Digest, newer: &Digest) -> Result<bool> {
    let (mut waiting, mut seen) = (vec![*newer], std::collections::HashSet::new());
    while let Some(id) = waiting.pop() {
        if id == *older {
            return Ok(true);
        }
        if seen.insert(id) {
            waiting.extend(store.commit(&id)?.parents);
        }
    }
    Ok(false)
}
