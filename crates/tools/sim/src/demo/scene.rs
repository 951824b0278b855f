//! The script, scene by scene: what happens, and what Ironroot does about it.

mod anothers_name;
mod flood;
mod normal_life;
mod release;
mod revoked_returns;
mod token_twice;
mod two_places;

use anyhow::Result;

use super::stage::Stage;

/// One scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Everybody does what they are for.
    NormalLife,
    /// A device publishes as another.
    AnothersName,
    /// A device floods.
    Flood,
    /// One identity is used in two places.
    TwoPlaces,
    /// A revoked certificate comes back.
    RevokedReturns,
    /// A claim token is used twice.
    TokenTwice,
    /// A person lets devices back in.
    Release,
}

impl Scene {
    /// The script.
    pub const ALL: [Self; 7] = [
        Self::NormalLife,
        Self::AnothersName,
        Self::Flood,
        Self::TwoPlaces,
        Self::RevokedReturns,
        Self::TokenTwice,
        Self::Release,
    ];

    /// Its place in the script, from 1.
    pub fn number(self) -> usize {
        let before = Self::ALL.iter().take_while(|scene| **scene != self);
        before.count() + 1
    }

    /// What happens.
    pub fn title(self) -> &'static str {
        match self {
            Self::NormalLife => "normal life",
            Self::AnothersName => "a device publishes as another",
            Self::Flood => "a device floods",
            Self::TwoPlaces => "one identity in two places",
            Self::RevokedReturns => "a revoked certificate comes back",
            Self::TokenTwice => "a claim token is used twice",
            Self::Release => "a person lets a device back in",
        }
    }

    pub(super) async fn play(self, stage: &mut Stage) -> Result<()> {
        match self {
            Self::NormalLife => normal_life::play(stage).await,
            Self::AnothersName => anothers_name::play(stage).await,
            Self::Flood => flood::play(stage).await,
            Self::TwoPlaces => two_places::play(stage).await,
            Self::RevokedReturns => revoked_returns::play(stage).await,
            Self::TokenTwice => token_twice::play(stage).await,
            Self::Release => release::play(stage).await,
        }
    }
}
