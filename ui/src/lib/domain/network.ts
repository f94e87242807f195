import type { NetworkStatus } from '$lib/api/dto';

/** How things stand, in the one word that the sentence on the screen follows from. */
export type Connection = 'offline' | 'too_few' | 'building' | 'hidden';

export function connection(status: NetworkStatus | null): Connection {
  if (!status || !status.online) return 'offline';
  if (status.too_few_relays) return 'too_few';
  return hopCount(status) > 0 ? 'hidden' : 'building';
}

/** Relays between here and an endpoint on the shortest circuit; 0 while none stands, and then nothing leaves. */
export function hopCount(status: NetworkStatus): number {
  if (status.circuits.length === 0) return 0;
  return Math.min(...status.circuits.map((circuit) => circuit.hops.length));
}
