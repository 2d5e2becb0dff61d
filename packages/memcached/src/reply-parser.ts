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

/** The bytes of a connection are not replies of Memcached. The parser cannot continue. */
export class ReplyFormatError extends Error {}

const NONE: Readonly<Record<string, string>> = {}
const LINE_FEED = 10
const MISS: MetaReply = { code: 'EN', flags: NONE, data: undefined, text: 'EN' }
/** A line has at most a key of 250 bytes, its flags, or a statistic. */
const MAX_LINE = 8_192
/** The largest item that a server can be configured to store. */
const MAX_VALUE = 1_073_741_824
/** Statistics of one reply. Servers have about 100. */
const MAX_STATS = 10_000

/** Splits the bytes of a connection into replies. Each byte is copied at most once. */
export class ReplyParser {
  /** The start of a line or of a value that has not arrived completely. */
  #pieces: Buffer[] = []
  #pending = 0
  /** A reply whose value has not arrived completely. */
  #open: { readonly text: string; readonly flags: MetaReply['flags']; readonly size: number } | undefined
  #stats: Map<string, string> | undefined

  constructor(private readonly onReply: (reply: MetaReply) => void) {}

  /** @throws ReplyFormatError */
  read(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      const end = this.#open === undefined ? this.#lineEnd(chunk, at) : this.#valueEnd(chunk, at, this.#open)
      const bytes = this.#take(chunk.subarray(at, end ?? chunk.length), end !== undefined)
      if (end === undefined || bytes === undefined) return
      at = end
      if (this.#open === undefined) this.#readLine(bytes.toString('latin1', 0, bytes.length - 2))
      else this.#readValue(bytes, this.#open)
    }
  }

  /** `undefined`: the line does not end in this chunk. */
  #lineEnd(chunk: Buffer, from: number): number | undefined {
    const feed = chunk.indexOf(LINE_FEED, from)
    const length = this.#pending + (feed < 0 ? chunk.length : feed + 1) - from
    if (length > MAX_LINE) throw new ReplyFormatError(`a line of more than ${MAX_LINE} bytes`)
    return feed < 0 ? undefined : feed + 1
  }

  #valueEnd(chunk: Buffer, from: number, { size }: { readonly size: number }): number | undefined {
    const end = from + size + 2 - this.#pending
    return end > chunk.length ? undefined : end
  }

  /** All bytes of a line or a value, once the last piece is there. */
  #take(piece: Buffer, isLast: boolean): Buffer | undefined {
    if (isLast && this.#pending === 0) return piece
    this.#pieces.push(piece)
    this.#pending += piece.length
    if (!isLast) return undefined
    const bytes = Buffer.concat(this.#pieces, this.#pending)
    this.#pieces = []
    this.#pending = 0
    return bytes
  }

  #readValue(
    bytes: Buffer,
    { text, flags, size }: Omit<MetaReply, 'code' | 'data'> & { size: number },
  ): void {
    this.#open = undefined
    this.onReply({ code: 'VA', flags, data: bytes.subarray(0, size), text })
  }

  #readLine(text: string): void {
    if (text === 'EN') {
      this.onReply(MISS)
      return
    }
    const words = text.split(' ')
    const code = words[0] as string
    if (code === 'VA') {
      this.#open = { text, flags: words.length === 2 ? NONE : flagsOf(words, 2), size: sizeOf(words[1]) }
    } else if (code === 'STAT') {
      this.#stats ??= new Map()
      this.#stats.set(words[1] ?? '', words[2] ?? '')
      if (this.#stats.size > MAX_STATS) throw new ReplyFormatError(`more than ${MAX_STATS} statistics`)
    } else if (code === 'END') {
      const flags = this.#stats === undefined ? NONE : Object.fromEntries(this.#stats)
      this.#stats = undefined
      this.onReply({ code, flags, data: undefined, text })
    } else {
      const flags = code.length > 2 || words.length === 1 ? NONE : flagsOf(words, 1)
      this.onReply({ code, flags, data: undefined, text })
    }
  }
}

function sizeOf(word: string | undefined): number {
  const size = /^\d{1,10}$/.test(word ?? '') ? Number(word) : Number.POSITIVE_INFINITY
  if (size > MAX_VALUE) throw new ReplyFormatError(`a value of "${word}" bytes`)
  return size
}

function flagsOf(words: readonly string[], from: number): Readonly<Record<string, string>> {
  const flags: Record<string, string> = {}
  for (let at = from; at < words.length; at += 1) {
    const word = words[at] as string
    flags[word.charAt(0)] = word.slice(1)
  }
  return flags
}
