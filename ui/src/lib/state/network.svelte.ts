import type { Backend } from '$lib/api/backend';
import type { NetworkStatus } from '$lib/api/dto';
import { connection, hopCount, type Connection } from '$lib/domain/network';

/** How the network is, as the core last said. */
export class NetworkState {
  status = $state.raw<NetworkStatus | null>(null);
  readonly #backend: Backend;

  readonly connection: Connection = $derived.by(() => connection(this.status));
  readonly hops: number = $derived.by(() => (this.status ? hopCount(this.status) : 0));

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async load(): Promise<void> {
    this.status = await this.#backend.call('network.status', {});
  }

  updated(status: NetworkStatus): void {
    this.status = status;
  }

  async addRelay(address: string): Promise<void> {
    await this.#backend.call('network.add_peer', { address: address.trim() });
    await this.load();
  }

  clear(): void {
    this.status = null;
  }
}
