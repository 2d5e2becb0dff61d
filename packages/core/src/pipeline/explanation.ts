/** What became of one read, and why. */
export interface ReadExplanation {
  /** What it is called: `City.findMany`, or the statement. */
  readonly label: string
  /**
   * - `memory`, `store`: it was kept, in this process or where processes share results.
   * - `another read`: an equal one was under way.
   * - `asked ahead`: a loop was seen to come to it.
   * - `database`: it was sent, by itself or merged with others.
   */
  readonly answeredBy: 'memory' | 'store' | 'another read' | 'asked ahead' | 'database'
  /** Whether the next equal read finds it, unless something is written before. */
  readonly isKept: boolean
  /** Why it is not kept; left out where it is. */
  readonly reason?: string
  /** What drops it: tables (`#set`), their rows (`#r…`, `#all`), and tags of the app's own (`t:`). Empty where it is not kept. */
  readonly tags: readonly string[]
}

/** An explanation as it is made: by those who see what they do to the read. */
export class ReadNote {
  answeredBy: ReadExplanation['answeredBy'] = 'database'
  #tags: readonly string[] = []
  #isKept = false

  constructor(
    readonly label: string,
    /** What holds unless somebody says otherwise. */
    private reason: string,
  ) {}

  answered(by: ReadExplanation['answeredBy'], tags: readonly string[]): void {
    this.answeredBy = by
    this.kept(tags)
  }

  kept(tags: readonly string[]): void {
    this.#isKept = true
    this.#tags = tags
  }

  notKept(reason: string): void {
    this.#isKept = false
    this.reason = reason
  }

  explanation(): ReadExplanation {
    const { label, answeredBy, reason } = this
    const said = { label, answeredBy }
    return this.#isKept ? { ...said, isKept: true, tags: this.#tags } : { ...said, isKept: false, reason, tags: [] }
  }
}
