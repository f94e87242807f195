/** Why an address that the core refused does not look like one: words for the person, no judgement of truth. */
export type AddressFault =
  'empty' | 'not_an_address' | 'odd_letter' | 'too_short' | 'too_long' | 'wrong_letter';

export function addressFault(input: string): AddressFault {
  const address = addressPart(input);
  if (address === '') return 'empty';
  if (!address.toLowerCase().startsWith('outis1')) return 'not_an_address';
  if (!/^[ac-hj-np-z02-9]+$/.test(address.slice(6).toLowerCase())) return 'odd_letter';
  if (address.length < LENGTH) return 'too_short';
  if (address.length > LENGTH) return 'too_long';
  return 'wrong_letter';
}

/** The address inside an invite link, or the input itself without the blanks that pasting brings. */
function addressPart(input: string): string {
  return input
    .replace(/\s/g, '')
    .replace(/^outis:(\/\/)?/i, '')
    .replace(/[?#].*$/, '');
}

// `outis1`, 33 bytes in groups of five bits, six letters of checksum.
const LENGTH = 6 + Math.ceil((33 * 8) / 5) + 6;
