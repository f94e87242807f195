import encode from 'qr';
import { describe, expect, it } from 'vitest';
import { mockAddress } from '$lib/api/mock/world';
import { decoded, readCode } from '$lib/qr/read';

/** A code as a camera has it: so many pixels a cell, on white. */
function photographed(text: string, scale: number): Pick<ImageData, 'data' | 'width' | 'height'> {
  const cells = encode(text, 'raw', { ecc: 'medium', border: 4 });
  const side = cells.length * scale;
  const data = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (cells[Math.floor(y / scale)]?.[Math.floor(x / scale)])
        data.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
    }
  }
  return { data, width: side, height: side };
}

describe('a code', () => {
  it('is read as it was drawn', () => {
    const link = `outis:${mockAddress('Odysseus')}`;
    for (const scale of [3, 5, 8]) expect(decoded(photographed(link, scale))).toBe(link);
  });

  it('that is none gives nothing', () => {
    const grey = new Uint8ClampedArray(200 * 200 * 4).fill(128);
    expect(decoded({ data: grey, width: 200, height: 200 })).toBeNull();
    expect(decoded({ data: new Uint8ClampedArray(0), width: 0, height: 0 })).toBeNull();
  });

  it('in a file that is too large is not looked at', async () => {
    const large = { size: 10_000_001 } as Blob;
    expect(await readCode(large)).toEqual({ fault: 'too_large' });
  });
});
