//! Proofs of permission. A store function that touches a workspace's data asks for one; only governance makes them.

use std::marker::PhantomData;

use crate::Name;

/// May look.
#[derive(Debug, Clone, Copy)]
pub struct Read;
/// May look and change.
#[derive(Debug, Clone, Copy)]
pub struct Edit;
/// May look, change, and grant.
#[derive(Debug, Clone, Copy)]
pub struct Manage;

/// The proof that `actor` may act in `workspace` at level `L`.
#[derive(Debug, Clone)]
pub struct Permit<L> {
    workspace: Name,
    actor: String,
    level: PhantomData<L>,
}

impl<L> Permit<L> {
    /// Makes a proof. Only `flyball-governance` may call this; `clippy.toml` bans it everywhere else.
    pub fn issue(workspace: Name, actor: String) -> Self {
        Self { workspace, actor, level: PhantomData }
    }

    /// The workspace in which the actor may act.
    pub fn workspace(&self) -> &Name {
        &self.workspace
    }

    /// Who acts: a user, a token, or a part of Flyball such as `loop:flight-delays`.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    fn weaken<M>(&self) -> Permit<M> {
        Permit { workspace: self.workspace.clone(), actor: self.actor.clone(), level: PhantomData }
    }
}

impl Permit<Edit> {
    /// Who may change may look.
    pub fn read(&self) -> Permit<Read> {
        self.weaken()
    }
}

impl Permit<Manage> {
    /// Who may grant may change.
    pub fn edit(&self) -> Permit<Edit> {
        self.weaken()
    }
}
