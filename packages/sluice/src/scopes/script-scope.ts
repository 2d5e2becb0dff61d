import { basename } from 'node:path'
import type { ScopeHandle, Sluice } from '@sluice/core'
import { type Ambient, hostOf, setLongInterval } from '@sluice/core/siblings'
import { guarded } from '../guarded.ts'
import { currentTest, server } from '../process-state.ts'

/** A script's scope ends after this many milliseconds without a statement. */
const IDLE_MS = 1_000
/** The longest scope of a script. */
const MAX_MS = 10_000
const CHECK_MS = 500

/** The statements of this process, until one of its servers listens; in tests, also later. */
class Script {
  #scope: ScopeHandle | undefined
  #ambient: Ambient | undefined
  #openedAt = 0
  #usedAt = 0
  #isOpening = false
  readonly #timer = setLongInterval(() => this.#check(), CHECK_MS).unref()

  constructor(
    readonly sluice: Sluice,
    private readonly closed: () => void,
  ) {}

  /** Returns the ambient of a statement outside of all scopes. */
  readonly ambient = (): Ambient | undefined => {
    // To open a scope, the storage asks for the current one.
    if (this.#isOpening || this.sluice.mode !== 'observe') return undefined
    this.#usedAt = performance.now()
    // A statement of the app must not fail because its scope cannot be opened.
    if (this.#ambient === undefined) guarded('scripts', () => this.#open())
    return this.#ambient
  }

  /** The next statement belongs to another scope. */
  end(): void {
    const scope = this.#scope
    this.#scope = undefined
    this.#ambient = undefined
    guarded('scripts', () => scope?.end())
  }

  close(): void {
    clearInterval(this.#timer)
    this.end()
    this.closed()
  }

  #open(): void {
    this.#isOpening = true
    try {
      const scope = this.sluice.openScope(currentTest.name ?? `script ${basename(process.argv[1] ?? 'node')}`)
      this.#ambient = scope.enter(() => hostOf(this.sluice).scopes.ambient)
      this.#scope = scope
      this.#openedAt = this.#usedAt
    } finally {
      this.#isOpening = false
    }
  }

  #check(): void {
    const now = performance.now()
    if (now - this.#usedAt > IDLE_MS || now - this.#openedAt > MAX_MS) this.end()
  }
}

const scripts = new Map<Sluice, Script>()

/**
 * Opens scopes for statements outside of all scopes, so that a script without a server is inspected, too.
 * Only in `observe`: a script may wait for what another process writes, longer than a request does.
 *
 * @param instead - Returns the ambient of a statement that is not part of the script.
 */
export function startScript(sluice: Sluice, instead?: () => Ambient | undefined): void {
  if (scripts.has(sluice)) return
  const { scopes } = hostOf(sluice)
  const leave = () => {
    scopes.fallback = instead
  }
  leave()
  if (server.isListening && currentTest.name === undefined) return
  if (scripts.size === 0) process.once('exit', endScripts)
  const script = new Script(sluice, leave)
  scripts.set(sluice, script)
  scopes.fallback = instead === undefined ? script.ambient : () => instead() ?? script.ambient()
}

/** Another test begins. */
export function endScopesOfScripts(): void {
  for (const script of scripts.values()) script.end()
}

/** A server listens, or the process exits. */
export function endScripts(): void {
  for (const script of scripts.values()) script.close()
  scripts.clear()
}
