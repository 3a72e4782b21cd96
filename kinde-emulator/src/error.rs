//! What can go wrong with an environment itself, as opposed to what it makes go wrong for others.

use std::{io, net::IpAddr, path::PathBuf};

use crate::seed::SeedProblem;

/// Why an environment did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port could not be bound.
    #[error("port {port} on {address} cannot be bound")]
    Bind {
        /// The address, of this computer unless an insecure option chose another.
        address: IpAddr,
        /// The port asked for; zero means any.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
    /// The address can be reached by other computers.
    #[error("{address} can be reached by other computers, who would be signed in by anybody's word")]
    Exposed {
        /// The address asked for.
        address: IpAddr,
    },
    /// A webhook endpoint cannot be sent to.
    #[error("a webhook endpoint cannot be used")]
    Webhook(#[from] EndpointError),
}

/// Why a webhook endpoint cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The text is not an http URL with a host.
    #[error("{url} is not a URL like http://127.0.0.1:3000/hooks/kinde")]
    NotAUrl {
        /// The text.
        url: String,
    },
    /// Kinde sends to https only; the emulator sends to plain http only.
    #[error("not emulated: https in {url}; use plain http on this computer")]
    Https {
        /// The URL.
        url: String,
    },
    /// The emulator sends nothing to other computers.
    #[error("{host} is not this computer: use localhost, 127.0.0.1 or [::1]")]
    Elsewhere {
        /// The host of the URL.
        host: String,
    },
}

/// Why an authorization request got no answer at its redirect URI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The text is not a URL.
    #[error("the authorization URL cannot be read")]
    NotAUrl,
    /// A person would see an error page.
    #[error("error page {code}: {reason}")]
    Page {
        /// Kinde's number for the error.
        code: u16,
        /// What the page says.
        reason: String,
    },
}

/// Why a seed cannot be used; the message names line and key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The file cannot be read.
    #[error("the seed {} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The text is neither TOML nor JSON, as was asked for.
    #[error("the seed cannot be read: {reason}")]
    Malformed {
        /// Where and what.
        reason: String,
    },
    /// The text can be read and is no seed: unknown keys, values of another type, names that are not defined.
    #[error("the seed is not right\n{}", listed(problems))]
    Wrong {
        /// Everything that is wrong, from the top of the text.
        problems: Vec<SeedProblem>,
    },
}

fn listed(problems: &[SeedProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
