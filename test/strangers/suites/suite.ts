/** How the suite's clients are opened. `bare` is without Sluice. */
export type Mode = 'bare' | 'observe' | 'shadow' | 'optimize'

export const MODES: readonly Mode[] = ['bare', 'observe', 'shadow', 'optimize']

export const DATABASES = ['sqlite', 'postgresql', 'mysql'] as const

export type DatabaseName = (typeof DATABASES)[number]

/** One run of the tests of a checkout. */
export interface Run {
  /** The folder of the checkout. */
  readonly checkout: string
  readonly database: DatabaseName
  /** A database that contains nothing. Without one on SQLite, whose tests open their own. */
  readonly url: string | undefined
  /** A folder for files of this run. */
  readonly folder: string
  /** Where the tests' reporter writes its JSON. */
  readonly report: string
}

export interface Command {
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** The tests of an ORM, and how to run them in Node. */
export interface Suite {
  /** Names of tests of what only the ORM itself sends, which fail by design. */
  readonly internal?: ReadonlySet<string>
  /**
   * Compiles the checkout if its tests require that.
   *
   * @throws Error if files are missing.
   */
  prepare(checkout: string): void
  command(run: Run): Command
}
