//! Decides who can reach the environment: this computer alone, unless an insecure option says otherwise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::{builder::EnvironmentBuilder, error::StartError};

/// Who can reach the environment.
impl EnvironmentBuilder {
    /// Listens on this address of this computer, such as `::1`.
    ///
    /// Default: 127.0.0.1. An address that others can reach is refused when the environment starts.
    pub fn with_listen_address(mut self, address: impl Into<IpAddr>) -> Self {
        self.address = Address::OfThisComputer(address.into());
        self
    }

    /// Listens on an address that other computers can reach, such as that of a container.
    ///
    /// Default: 127.0.0.1. The issuer is this address, or 127.0.0.1 for every address at once (`0.0.0.0`), unless
    /// [`with_issuer`](Self::with_issuer) names the one that the others use. The control API stays closed to them.
    ///
    /// # Security
    ///
    /// Whoever reaches the port signs in as anybody, and the private keys are public. Only a network that nobody else
    /// is on, as between the containers of one test, may reach it.
    pub fn with_insecure_listen_address(mut self, address: impl Into<IpAddr>) -> Self {
        self.address = Address::OfAnyComputer(address.into());
        self
    }
}

/// Where to listen, and who decided that.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Address {
    OfThisComputer(IpAddr),
    OfAnyComputer(IpAddr),
}

impl Default for Address {
    fn default() -> Self {
        Self::OfThisComputer(Ipv4Addr::LOCALHOST.into())
    }
}

impl Address {
    /// Returns the address unless it is exposed and nobody said that it may be.
    pub(crate) fn checked(self) -> Result<IpAddr, StartError> {
        match self {
            Self::OfThisComputer(address) if !address.to_canonical().is_loopback() => {
                Err(StartError::Exposed { address })
            }
            Self::OfThisComputer(address) | Self::OfAnyComputer(address) => Ok(address),
        }
    }
}

/// Returns how this computer reaches what listens there: nobody can connect to "every address".
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, address.port())),
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_this_computer_needs_no_insecure_option() {
        for text in ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(Address::OfThisComputer(address).checked().unwrap(), address);
        }
        for text in ["0.0.0.0", "::", "10.0.0.1", "192.168.1.5", "fe80::1", "::ffff:10.0.0.1"] {
            let address: IpAddr = text.parse().unwrap();
            let refused = Address::OfThisComputer(address).checked();
            assert!(matches!(refused, Err(StartError::Exposed { .. })), "{text}");
            assert_eq!(Address::OfAnyComputer(address).checked().unwrap(), address);
        }
    }

    #[test]
    fn every_address_is_reached_by_the_loopback_one() {
        for (listening, reached) in
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("10.0.0.1:1", "10.0.0.1:1")]
        {
            assert_eq!(reachable(listening.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
