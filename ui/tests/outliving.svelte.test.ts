/** What a page makes on its first use outlives the page. */
import { expect, it } from 'vitest';
import { MockBackend } from '$lib/api/mock';
import { fullWorld, mockAddress } from '$lib/api/mock/world';
import { Conversation } from '$lib/state/conversation.svelte';
import { ConversationsState } from '$lib/state/conversations.svelte';
import { message } from './made';

const odysseus = mockAddress('Odysseus');
const backend = new MockBackend({ world: fullWorld(0), now: () => 0, later: () => undefined });

/** A page draws a conversation and is left, then a message comes; gives how many the conversation shows. */
function shownAfterLeaving(ask: () => Conversation): number {
  const asked: Conversation[] = [];
  const shown = (): number =>
    asked.flatMap(({ rows }) => rows).filter(({ kind }) => kind === 'message').length;
  const leave = $effect.root(() => {
    asked.push(ask());
    shown();
  });
  leave();
  asked[0]?.take(message({ contact: odysseus }));
  return shown();
}

it('shows in a conversation what comes after its first page was left', () => {
  const conversations = new ConversationsState(backend);
  expect(shownAfterLeaving(() => conversations.with(odysseus))).toBe(1);
});

it('would not, in one that ends with its page', () => {
  expect(shownAfterLeaving(() => new Conversation(backend, odysseus))).toBe(0);
});
