#!/usr/bin/env node
// Draws every icon that is committed from the SVG files beside them. Needs rsvg-convert (Debian: librsvg2-bin).
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const icons = join(import.meta.dirname, '../icons');

/** The drawing at `size` pixels, as PNG; below 64 pixels the bolder one. */
function draw(size, source = size < 64 ? 'icon-small.svg' : 'icon.svg') {
  return execFileSync('rsvg-convert', ['--width', size, '--height', size, join(icons, source)]);
}

/** Windows: a directory of PNG images. */
function ico(sizes) {
  const images = sizes.map((size) => draw(size));
  const header = Buffer.alloc(6 + 16 * sizes.length);
  header.writeUInt16LE(1, 2); // type: icon
  header.writeUInt16LE(sizes.length, 4);
  let offset = header.length;
  sizes.forEach((size, index) => {
    const at = 6 + 16 * index;
    header.writeUInt8(size % 256, at); // 256 is written as 0
    header.writeUInt8(size % 256, at + 1);
    header.writeUInt16LE(1, at + 4); // colour planes
    header.writeUInt16LE(32, at + 6); // bits a pixel
    header.writeUInt32LE(images[index].length, at + 8);
    header.writeUInt32LE(offset, at + 12);
    offset += images[index].length;
  });
  return Buffer.concat([header, ...images]);
}

/** macOS: chunks of type, length, PNG. */
function icns(types) {
  const chunks = Object.entries(types).map(([type, size]) => chunk(type, draw(size)));
  return chunk('icns', Buffer.concat(chunks));
}

function chunk(type, body) {
  const header = Buffer.from(`${type}\0\0\0\0`, 'latin1');
  header.writeUInt32BE(header.length + body.length, 4);
  return Buffer.concat([header, body]);
}

function write(name, bytes) {
  writeFileSync(join(icons, name), bytes);
  console.log(`icons/${name}`);
}

write('32x32.png', draw(32));
write('64x64.png', draw(64));
write('128x128.png', draw(128));
write('128x128@2x.png', draw(256));
write('icon.png', draw(512));
write('icon.ico', ico([16, 24, 32, 48, 64, 256]));
write('icon.icns', icns({ ic07: 128, ic08: 256, ic09: 512, ic10: 1024, ic11: 32, ic12: 64, ic13: 256, ic14: 512 }));
for (const panel of ['light', 'dark']) {
  for (const state of ['', '-unread']) {
    write(`tray-${panel}${state}.png`, draw(64, `tray-${panel}${state}.svg`));
  }
}
