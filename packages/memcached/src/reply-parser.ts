/** The reply of a server to one command. */
export interface MetaReply {
  /** `VA`, `HD`, `EN`, `NS`, `EX`, `NF`, `MN`, `END`, `SERVER_ERROR` and others. */
  readonly code: string
  /** Returned flags, by letter; for `END`, the statistics by name. */
  readonly flags: Readonly<Record<string, string>>
  /** The value of a `VA`. */
  readonly data: Buffer | undefined
  /** The line of the reply. */
  readonly text: string
}

const NONE: Readonly<Record<string, string>> = {}
const LINE_FEED = 10
const MISS: MetaReply = { code: 'EN', flags: NONE, data: undefined, text: 'EN' }

/** Splits the bytes of a connection into replies. */
export class ReplyParser {
  #rest: Buffer | undefined
  /** A reply whose value has not arrived completely. */
  #open: { readonly text: string; readonly flags: MetaReply['flags']; readonly size: number } | undefined
  #stats: Record<string, string> | undefined

  constructor(private readonly onReply: (reply: MetaReply) => void) {}

  read(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (;;) {
      if (this.#open !== undefined) {
        const { text, flags, size } = this.#open
        if (bytes.length < at + size + 2) break
        this.#open = undefined
        const data = bytes.subarray(at, at + size)
        at += size + 2
        this.onReply({ code: 'VA', flags, data, text })
      } else {
        const end = bytes.indexOf(LINE_FEED, at)
        if (end < 0) break
        const line = bytes.toString('latin1', at, end - 1)
        at = end + 1
        this.#readLine(line)
      }
    }
    this.#rest = at === bytes.length ? undefined : bytes.subarray(at)
  }

  #readLine(text: string): void {
    if (text === 'EN') {
      this.onReply(MISS)
      return
    }
    const words = text.split(' ')
    const code = words[0] as string
    if (code === 'VA') {
      this.#open = { text, flags: words.length === 2 ? NONE : flagsOf(words, 2), size: Number(words[1]) }
    } else if (code === 'STAT') {
      this.#stats ??= {}
      this.#stats[words[1] as string] = words[2] ?? ''
    } else if (code === 'END') {
      const flags = this.#stats ?? NONE
      this.#stats = undefined
      this.onReply({ code, flags, data: undefined, text })
    } else {
      const flags = code.length > 2 || words.length === 1 ? NONE : flagsOf(words, 1)
      this.onReply({ code, flags, data: undefined, text })
    }
  }
}

function flagsOf(words: readonly string[], from: number): Readonly<Record<string, string>> {
  const flags: Record<string, string> = {}
  for (let at = from; at < words.length; at += 1) {
    const word = words[at] as string
    flags[word.charAt(0)] = word.slice(1)
  }
  return flags
}
