import { randomUUID } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sluice } from '@sluice/core'
import { type RunReport, setBackgroundTimeout } from '@sluice/core/siblings'
import { attachedClients } from './process-state.ts'

/** Milliseconds between two writes. If a signal ends the process, later findings are lost. */
const FLUSH_MS = 200
const MAX_FINDINGS = 200

/** Writes the findings of this process to a file for `sluice run`, which reads it when its command ended. */
class RunReportFile {
  readonly #path: string
  readonly #sluices = new Set<Sluice>()
  #timer: NodeJS.Timeout | undefined
  #hasExited = false

  constructor(folder: string) {
    // Worker threads have the id of the process, and ids of processes are reused.
    this.#path = join(folder, randomUUID())
    process.once('exit', () => {
      this.#hasExited = true
      this.#write()
    })
  }

  add(sluice: Sluice): void {
    if (!this.#sluices.has(sluice)) {
      this.#sluices.add(sluice)
      sluice.on('finding', () => this.schedule())
    }
    this.schedule()
  }

  schedule(): void {
    // The last scopes of a script end when the process exits.
    if (this.#hasExited) this.#write()
    else this.#timer ??= setBackgroundTimeout(() => this.#write(), FLUSH_MS)
  }

  /** Writes what is scheduled. */
  flush(): void {
    if (this.#timer !== undefined) this.#write()
  }

  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const patterns = [...this.#sluices].flatMap((sluice) => sluice.queries.getNPlusOnePatterns())
    const report: RunReport = {
      schemaVersion: 1,
      clients: [...attachedClients],
      findings: patterns.slice(0, MAX_FINDINGS),
    }
    try {
      // Renamed, so that no reader sees a part of it.
      writeFileSync(`${this.#path}.tmp`, JSON.stringify(report))
      renameSync(`${this.#path}.tmp`, `${this.#path}.json`)
    } catch {
      // A process can outlive its command, and the folder with it.
    }
  }
}

let file: RunReportFile | undefined

/** Whether `sluice run` has started this process. */
export function isInRun(): boolean {
  return (process.env.SLUICE_RUN ?? '') !== ''
}

/** Writes the findings until now: test runners kill their processes. */
export function flushRunReport(): void {
  file?.flush()
}

/** A client was attached. In a process of `sluice run`, reports it and the findings of its Sluice. */
export function reportToRun(sluice: Sluice): void {
  if (!isInRun()) return
  file ??= new RunReportFile(process.env.SLUICE_RUN ?? '')
  file.add(sluice)
}
