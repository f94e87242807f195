import { MockBackend } from './backend';
import { emptyWorld, fullWorld, mockAddress, onlineNetwork, type World } from './world';

/** Worlds by name, for looking at the page: `?scene=full`. */
export function mockScene(name: string, now: number): MockBackend {
  return new MockBackend({ world: world(name, now), derivationMs: 2_000 });
}

function world(name: string, now: number): World {
  switch (name) {
    case 'full':
      return fullWorld(now);
    case 'new':
      return { ...emptyWorld(), state: 'unlocked' };
    case 'long':
      return longWorld(now);
    case 'hidden':
      return hiddenWorld(now);
    case 'few':
      return { ...fullWorld(now), network: onlineNetwork(2) };
    case 'offline':
      return { ...fullWorld(now), network: onlineNetwork(0) };
    case 'superseded':
      return { ...fullWorld(now), state: 'superseded' };
    case 'sandbox':
      return { ...fullWorld(now), sandbox: true };
    default:
      return emptyWorld();
  }
}

function hiddenWorld(now: number): World {
  const full = fullWorld(now);
  const hops = ['12D3KooWGuard', '12D3KooWMiddle', '12D3KooWLast'];
  const circuits = [{ id: '1', purpose: 'mailbox', hops, built_ms: 210 }];
  full.network = { ...full.network, relays_known: 1_284, circuits, guards: hops.slice(0, 1) };
  return full;
}

/** One conversation of 100 000 messages. */
function longWorld(now: number): World {
  const full = fullWorld(now);
  const address = mockAddress('Odysseus');
  full.messages.set(
    address,
    Array.from({ length: 100_000 }, (_, index) => ({
      id: `long-${index}`,
      contact: address,
      direction: index % 7 < 4 ? ('in' as const) : ('out' as const),
      body: {
        kind: 'text' as const,
        text: `Line ${index}. ${'The sea was wine-dark. '.repeat((index * 7) % 9)}`,
      },
      sent_at: now - (100_000 - index) * 90_000,
      state: 'delivered' as const,
      reactions: [],
    })),
  );
  return full;
}
