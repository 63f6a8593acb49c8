//! The nouns and the decisions of relpub, as pure values.
//!
//! Nothing here touches the network, the disk, the clock or the environment.
//! Seven nouns make up a promotion: [`Config`], [`Release`], [`Observed`],
//! [`Findings`], [`Promotion`], [`Plan`] and [`Receipt`]. What one room of
//! relpub makes and another needs is a type in this crate.

pub mod blocker;
pub mod config;
pub mod decision;
pub mod digest;
pub mod dist;
pub mod event;
pub mod evidence;
pub mod findings;
pub mod manifest;
pub mod name;
pub mod notes;
pub mod observed;
pub mod plan;
pub mod production;
pub mod promotion;
pub mod receipt;
pub mod release;
pub mod text;
pub mod version;
pub mod world;

pub use blocker::{Blocker, Code, Exit};
pub use config::Config;
pub use digest::Sha256;
pub use findings::Findings;
pub use observed::Observed;
pub use plan::Plan;
pub use promotion::{Promotion, PromotionId};
pub use receipt::Receipt;
pub use release::Release;
pub use text::Untrusted;
pub use world::Endpoints;
