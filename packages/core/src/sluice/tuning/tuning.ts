import type { TuningChange } from '../../monitoring/report/advice.ts'
import { SluiceError } from '../../shared/errors.ts'
import type { Tuner } from './tuner.ts'
import type { TuningOptions } from './tuning-options.ts'
import type { TuningParts } from './tuning-parts.ts'

/** Automatic changes of settings. Its code is loaded when it is first used. */
export class Tuning {
  #tuner: Tuner | undefined
  #isClosed = false

  constructor(private readonly parts: TuningParts) {}

  /** The newest first. */
  get changes(): readonly TuningChange[] {
    return this.#tuner?.changes ?? []
  }

  /** @throws InvalidOptionError; SluiceError `SLUICE_ENGINE_DISABLED`; `SLUICE_CLOSED`. */
  async tune(options: TuningOptions): Promise<void> {
    const { configureTuner } = await import('./configure-tuner.ts')
    if (this.#isClosed)
      throw new SluiceError(
        'SLUICE_CLOSED',
        'This Sluice is closed. Create a new one, or close it after everything that uses it.',
      )
    this.#tuner = configureTuner(this.#tuner, options, this.parts)
  }

  close(): void {
    this.#isClosed = true
    this.#tuner?.close()
  }
}
