use super::*;
use crate::{
    Guards, Link, RelayAddress,
    draw::one_of,
    testing::{Hop, NOW, rng, soak},
};
use rand_chacha::{ChaCha20Rng, rand_core::Rng};

/// The network of addresses that our relay and `number` more are in, as told by the test itself.
type Places = BTreeMap<NodeId, (IpAddr, IpAddr)>;

/// Two or three relays in each /16 and each /32.
fn world(relays: usize, scope: Scope, rng: &mut ChaCha20Rng) -> (Relays, Places) {
    let (mut known, mut places) = (Relays::new(scope), Places::new());
    let mut descriptor = Hop::new(1).descriptor();
    let few = relays / 2;
    for _ in 0..relays {
        rng.fill_bytes(&mut descriptor.node.0);
        let (of_16, of_32) = (rng.next_u32() as usize % few, rng.next_u32() as usize % few);
        let v4: IpAddr = [20 + (of_16 / 200) as u8, (of_16 % 200) as u8, rng.next_u32() as u8, 1].into();
        let v6: IpAddr = [0x2a00, of_32 as u16, rng.next_u32() as u16, 0, 0, 0, 0, 1].into();
        descriptor.addresses = [v4, v6]
            .map(|ip| RelayAddress {
                link: Link::Quic,
                socket: (ip, 4001).into(),
            })
            .to_vec();
        assert!(
            descriptor
                .addresses
                .iter()
                .all(|address| address.is_within(Scope::Public))
        );
        known.insert(&descriptor);
        places.insert(descriptor.node, (v4, v6));
    }
    (known, places)
}

/// The rules, in other words than those of the code.
fn is_lawful(hops: &[NodeId; 4], own: NodeId, places: &Places) -> bool {
    let network = |node: &NodeId| {
        let (v4, v6) = places[node];
        let text = (v4.to_string(), v6.to_string());
        let part = |text: String, dot: char| text.split(dot).take(2).collect::<Vec<_>>().join("-");
        [part(text.0, '.'), part(text.1, ':')]
    };
    let relays: BTreeSet<&NodeId> = hops.iter().collect();
    let networks: BTreeSet<String> = hops.iter().flat_map(network).collect();
    relays.len() == 4 && networks.len() == 8 && !hops.iter().take(3).any(|node| *node == own)
}

#[test]
fn drawn_paths_have_three_relays_before_the_endpoint_no_two_in_one_network_and_never_our_own() {
    let mut rng = rng(29);
    let (mut relays, places) = world(300, Scope::Public, &mut rng);
    let nodes: Vec<NodeId> = places.keys().copied().collect();
    let own = nodes[17];
    relays.exclude(own);
    let (accounts, draws) = if soak() { (1_000, 1_000) } else { (50, 200) };
    let (mut drawn, mut thirds) = (0, BTreeSet::new());
    for _ in 0..accounts {
        let mut guards = Guards::new();
        guards.refresh(&relays, NOW, &mut rng);
        for _ in 0..draws {
            let endpoint = *one_of(&nodes, &mut rng).unwrap();
            let Ok(path) = guards.draw(&relays, Some(endpoint), NOW, &mut rng) else {
                continue;
            };
            let Path { guard, second, third } = path;
            assert!(
                is_lawful(&[guard, second, third, endpoint], own, &places),
                "{path:?} to {endpoint}"
            );
            assert!(relays.fits(&path, endpoint));
            thirds.insert(third);
            drawn += 1;
        }
    }
    assert!(drawn * 10 > accounts * draws * 9, "{drawn}");
    assert!(thirds.len() > 290, "{}", thirds.len());
}

#[test]
fn paths_drawn_without_these_rules_are_caught() {
    let mut rng = rng(30);
    let (_, places) = world(300, Scope::Public, &mut rng);
    let nodes: Vec<NodeId> = places.keys().copied().collect();
    let mut draw = || *one_of(&nodes, &mut rng).unwrap();
    let unlawful = (0..10_000).filter(|_| !is_lawful(&[draw(), draw(), draw(), draw()], nodes[17], &places));
    assert!(unlawful.count() > 500);
}

#[test]
fn a_pooled_circuit_goes_on_only_to_an_endpoint_that_is_far_from_its_hops() {
    let mut rng = rng(31);
    let (relays, places) = world(300, Scope::Public, &mut rng);
    let mut guards = Guards::new();
    guards.refresh(&relays, NOW, &mut rng);
    let path = guards.draw(&relays, None, NOW, &mut rng).unwrap();
    let Path { guard, second, third } = path;
    let fitting: Vec<&NodeId> = places.keys().filter(|node| relays.fits(&path, **node)).collect();
    let nobody = NodeId([9; 32]);
    let lawful = |node: &NodeId| is_lawful(&[guard, second, third, *node], nobody, &places);
    assert!(fitting.iter().all(|node| lawful(node)));
    assert!(fitting.len() > 250 && fitting.len() < 297, "{}", fitting.len());
    assert!([guard, second, third].iter().all(|node| !relays.fits(&path, *node)));
    assert!(!relays.fits(&path, nobody), "of whom nothing is known");
}

#[test]
fn on_a_private_network_all_relays_may_stand_in_one_network_of_addresses() {
    let mut rng = rng(32);
    let mut descriptor = Hop::new(1).descriptor();
    let [mut public, mut private] = [Scope::Public, Scope::Private].map(Relays::new);
    for relay in 1..=7 {
        descriptor.node = NodeId([relay; 32]);
        for relays in [&mut public, &mut private] {
            assert_eq!(relays.is_enough(), relay > 6);
            relays.insert(&descriptor);
        }
    }
    let draw = |relays: &Relays, rng: &mut ChaCha20Rng| {
        let mut guards = Guards::new();
        guards.refresh(relays, NOW, rng);
        guards.draw(relays, Some(NodeId([7; 32])), NOW, rng)
    };
    let path = draw(&private, &mut rng).unwrap();
    assert!(private.fits(&path, NodeId([7; 32])));
    assert!(matches!(
        draw(&public, &mut rng),
        Err(crate::NoPath::NoSecondHop { .. })
    ));
}

#[test]
fn six_relays_are_enough_for_a_path_to_each_of_them_and_five_are_not() {
    let mut rng = rng(33);
    let mut descriptor = Hop::new(1).descriptor();
    let mut relays = Relays::new(Scope::Private);
    let mut guards = Guards::new();
    for relay in 1..=6 {
        guards.refresh(&relays, NOW, &mut rng);
        assert_eq!(
            guards.draw(&relays, None, NOW, &mut rng),
            Err(crate::NoPath::TooFewRelays)
        );
        descriptor.node = NodeId([relay; 32]);
        relays.insert(&descriptor);
    }
    guards.refresh(&relays, NOW, &mut rng);
    for endpoint in 1..=6 {
        let endpoint = NodeId([endpoint; 32]);
        assert!((0..100).all(|_| guards.draw(&relays, Some(endpoint), NOW, &mut rng).is_ok()));
    }
    relays.exclude(NodeId([1; 32]));
    assert!(!relays.is_enough());
}
