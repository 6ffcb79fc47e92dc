// Writes what build.js made as C++: node embed.js DIST OUT.cpp. The program then needs no files beside it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const [dist, out] = process.argv.slice(2);

function array(name, bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 32) {
    const line = [...bytes.subarray(at, at + 32)].map((byte) => `'\\x${byte.toString(16)}'`);
    lines.push(`    ${line.join(',')},`);
  }
  return `constexpr char ${name}[] = {\n${lines.join('\n')}\n};\n`;
}

const arrays = [];
const assets = [];
readdirSync(dist).sort().forEach((name, index) => {
  const body = readFileSync(join(dist, name));
  // The header of gzip names the system that made it; 255 (unknown) makes the same bytes everywhere.
  const packed = gzipSync(body, { level: 9 });
  packed[9] = 255;
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
  arrays.push(array(`body_${index}`, body), array(`packed_${index}`, packed));
  assets.push(
    `    {.name = "${name}",\n     .content_type = "${types[extname(name)]}",\n     .tag = "${hash}",\n` +
      `     .body = {body_${index}, sizeof body_${index}},\n` +
      `     .gzip = {packed_${index}, sizeof packed_${index}}},`,
  );
});

writeFileSync(
  out,
  `// Made by agent/page/embed.js.
#include "agent/live_page.hpp"

namespace pushguard::agent {
namespace {

${arrays.join('\n')}
constexpr page_asset assets[] = {
${assets.join('\n')}
};

}  // namespace

std::span<const page_asset> embedded_page() noexcept {
  return assets;
}

}  // namespace pushguard::agent
`,
);
