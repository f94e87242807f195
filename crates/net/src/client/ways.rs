//! Over how many relays circuits go.

use outis_wire::NetworkName;

/// Over how many relays a client's circuits go before they reach their endpoint: three. On a network for tests, and nowhere
/// else, there is a way without any, so that tests of what circuits hide can show that they would notice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ways(Kind);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Circuits,
    Direct,
}

impl Ways {
    /// Straight to the endpoint, which then sees the client's address. Only for a network whose name begins with `test`.
    pub fn dangerously_direct(network: &NetworkName) -> Option<Self> {
        network.is_for_tests().then_some(Self(Kind::Direct))
    }

    /// As it is meant for one network: what was made for another one does not count.
    pub(super) fn on(self, network: &NetworkName) -> Self {
        if network.is_for_tests() { self } else { Self::default() }
    }

    /// Whether no relay lies between.
    pub(super) fn is_direct(self) -> bool {
        self.0 == Kind::Direct
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_direct_way_on_the_public_network() {
        let main = NetworkName::default();
        assert_eq!(Ways::dangerously_direct(&main), None);
        let test: NetworkName = "test-here".parse().expect("a name");
        let direct = Ways::dangerously_direct(&test).expect("control: there is one on a network for tests");
        assert!(direct.on(&test).is_direct());
        assert!(!direct.on(&main).is_direct());
        assert!(!Ways::default().is_direct());
    }
}
