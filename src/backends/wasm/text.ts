// Modules as text, so that the sources run unbundled everywhere. A frequent byte is one printable character, which servers
// compress nearly as well as the bytes themselves: far better than base64, and better than two digits.

const FIRST = 35 // of the printable characters; those before it and the last ones stand for no byte
const PREFIX = 125
/** The bytes below this one are one character, the others two: one of two prefixes, and one of as many as half of them. */
const SINGLE = PREFIX - FIRST
const HALF = (256 - SINGLE) / 2
/** Added to a byte, modulo 256: so the one that stands before each instruction on vectors, 253, is one character. */
const SHIFT = 12

/** The text of a module's bytes. */
export function textOf(bytes: Uint8Array): string {
  const codes = [...bytes].flatMap((byte) => {
    const shifted = (byte + SHIFT) % 256
    const rest = shifted - SINGLE
    return rest < 0 ? shifted + FIRST : [PREFIX + Math.floor(rest / HALF), FIRST + (rest % HALF)]
  })
  return codes.map((code) => String.fromCharCode(code)).join('')
}

/** The bytes of a text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length)
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const shifted = code < PREFIX ? code : SINGLE + (code - PREFIX) * HALF + text.charCodeAt(++i)
    bytes[count++] = shifted - FIRST - SHIFT // modulo 256, as it is a byte
  }
  return bytes.slice(0, count)
}
