import { describe, expect, it } from 'vitest';
import type { Contact, Message, NetworkStatus } from '$lib/api/dto';
import { mockAddress, onlineNetwork } from '$lib/api/mock/world';
import { addressFault } from '$lib/domain/address';
import { byLastMessage, displayName, matches, safetyGroups, shortAddress } from '$lib/domain/contact';
import { connection, hopCount } from '$lib/domain/network';
import { buildRows, localTime } from '$lib/domain/rows';
import { avatarShape } from '$components/shared/avatar';
import { contact, message } from './made';

const MINUTE = 60_000;
const noon = new Date(2026, 10, 22, 12).getTime();

describe('the rows of a conversation', () => {
  const at = (minutes: number, more: Partial<Message> = {}): Message =>
    message({ id: `m${minutes}`, sent_at: noon + minutes * MINUTE, ...more });

  it('begin each day with its heading', () => {
    const rows = buildRows([at(0), at(1), at(24 * 60)], 'middle');
    expect(rows.map((row) => row.kind)).toEqual(['day', 'message', 'message', 'day', 'message']);
  });

  it('say where the conversation begins only when all of it is here', () => {
    expect(buildRows([at(0)], 'beginning')[0]?.kind).toBe('beginning');
    expect(buildRows([at(0)], 'middle')[0]?.kind).toBe('day');
  });

  it('run together for one sender within five minutes', () => {
    const rows = buildRows([at(0), at(4), at(10), at(11, { direction: 'in' })], 'middle');
    const runs = rows.flatMap((row) =>
      row.kind === 'message' ? [[row.position.first, row.position.last]] : [],
    );
    expect(runs).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ]);
  });

  it('do not run over a gap or a note', () => {
    const rows = buildRows([at(0), at(1, { body: { kind: 'gap', count: 1 } }), at(2)], 'middle');
    expect(rows.every((row) => row.kind !== 'message' || row.position.first)).toBe(true);
  });

  it('have keys of their own', () => {
    const rows = buildRows([at(0), at(1), at(24 * 60)], 'beginning');
    expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
  });

  it('go by our clock for what came, whatever the sender says', () => {
    expect(localTime(message({ direction: 'in', sent_at: 5, received_at: noon }))).toBe(noon);
    expect(localTime(message({ direction: 'out', sent_at: noon }))).toBe(noon);
  });
});

describe('a contact', () => {
  it('is called by our name for them, else theirs, else a piece of the address', () => {
    const known = contact({ nickname: 'Odysseus', alias: 'Nobody' });
    expect(displayName(known)).toBe('Nobody');
    expect(displayName({ ...known, alias: null })).toBe('Odysseus');
    expect(displayName({ ...known, alias: null, nickname: '' })).toBe(shortAddress(known.address));
  });

  it('is found by any name or by address, whatever the case', () => {
    const known = contact({ nickname: 'Odysseus', alias: 'Ναύτης' });
    expect(
      ['odys', ' ODYS ', 'ναύ', known.address.slice(0, 12)].every((words) => matches(known, words)),
    ).toBe(true);
    expect(matches(known, 'penelope')).toBe(false);
  });

  it('stands above those who wrote or came earlier, and by name among those who came at once', () => {
    const order = (...list: Contact[]): string[] => list.sort(byLastMessage).map((one) => one.nickname);
    const [b, a, c] = [
      contact({ nickname: 'B' }),
      contact({ nickname: 'A' }),
      contact({ nickname: 'C', last_message_at: 5 }),
    ];
    const fresh = contact({ nickname: 'D', added_at: 6 });
    expect(order(b, a, c, fresh)).toEqual(['D', 'C', 'A', 'B']);
  });

  it('has a safety number in groups of five, however it came', () => {
    const digits = '1234567890'.repeat(6);
    expect(safetyGroups(digits)).toHaveLength(12);
    expect(safetyGroups(safetyGroups(digits).join(' '))).toEqual(safetyGroups(digits));
    expect(safetyGroups('')).toEqual([]);
  });
});

describe('an address that was refused', () => {
  const good = mockAddress('somebody');
  it.each([
    ['  ', 'empty'],
    ['hello', 'not_an_address'],
    ['bc1qqqq', 'not_an_address'],
    [`${good.slice(0, 30)}b${good.slice(31)}`, 'odd_letter'],
    [good.slice(0, -1), 'too_short'],
    [`${good}q`, 'too_long'],
    [good, 'wrong_letter'],
    [`outis:${good}?n=Ada`, 'wrong_letter'],
    [` ${good.slice(0, 20)}\n${good.slice(20)} `, 'wrong_letter'],
    [good.toUpperCase(), 'wrong_letter'],
  ])('%j is called %s', (input, fault) => {
    expect(addressFault(input)).toBe(fault);
  });
});

describe('how the network is', () => {
  const circuit = (hops: string[]): NetworkStatus['circuits'][number] => ({
    id: '1',
    purpose: 'x',
    hops,
    built_ms: 1,
  });

  it('follows from what the core says', () => {
    expect(connection(null)).toBe('offline');
    expect(connection(onlineNetwork(0))).toBe('offline');
    expect(connection(onlineNetwork(5))).toBe('too_few');
    expect(connection(onlineNetwork(6))).toBe('building');
    expect(connection({ ...onlineNetwork(6), circuits: [circuit(['a', 'b', 'c'])] })).toBe('hidden');
  });

  it('is never called better than its shortest circuit', () => {
    const status = { ...onlineNetwork(6), circuits: [circuit(['a', 'b', 'c']), circuit([])] };
    expect(hopCount(status)).toBe(0);
    expect(connection(status)).toBe('building');
  });
});

describe('an avatar', () => {
  it('is the same for the same address, and another for another', () => {
    expect(avatarShape(mockAddress('a'))).toEqual(avatarShape(mockAddress('a')));
    const many = Array.from({ length: 200 }, (_, index) =>
      JSON.stringify(avatarShape(mockAddress(`p${index}`))),
    );
    expect(new Set(many).size).toBe(200);
  });
});
