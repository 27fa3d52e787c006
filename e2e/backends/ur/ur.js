// Another implementation of BC-UR at work: `node ur.js decode` reads texts, a line each, until they make a
// message and prints its type and content; `node ur.js encode TYPE HEX FRAGMENT COUNT` prints COUNT texts.
const fs = require("node:fs");
const { UR, URDecoder, UREncoder } = require("@ngraveio/bc-ur");

const [what, type, hex, fragment, count] = process.argv.slice(2);
if (what === "encode") {
  const encoder = new UREncoder(new UR(Buffer.from(hex, "hex"), type), Number(fragment));
  for (let turn = 0; turn < Number(count); turn += 1) console.log(encoder.nextPart());
} else {
  const decoder = new URDecoder();
  for (const text of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) decoder.receivePart(text);
  if (!decoder.isSuccess()) {
    console.error(`no message: ${decoder.resultError() || `${decoder.estimatedPercentComplete() * 100} %`}`);
    process.exit(1);
  }
  const message = decoder.resultUR();
  console.log(JSON.stringify({ type: message.type, cbor: message.cbor.toString("hex") }));
}
