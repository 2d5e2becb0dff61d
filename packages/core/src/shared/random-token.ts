import { isBuildingSnapshot, randomBytes } from './late-modules.ts'

const TOKEN_BYTES = 12
const BATCH = 256

/** Drawn ahead: one system call per token takes longer than everything else that is done for it. */
let drawn = Buffer.alloc(0)
let offset = 0

/** A token of 96 random bits, as 16 characters of base64url. */
export function randomToken(): string {
  if (offset === drawn.length) {
    // Each process that starts from a snapshot would use what was left over in it.
    const count = isBuildingSnapshot() ? 1 : BATCH
    drawn = randomBytes(count * TOKEN_BYTES)
    offset = 0
  }
  const start = offset
  offset += TOKEN_BYTES
  return drawn.toString('base64url', start, offset)
}
