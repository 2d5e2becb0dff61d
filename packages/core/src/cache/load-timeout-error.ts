import { SluiceError } from '../shared/errors.ts'

/** Loading a value took longer than `hardTimeoutMs`, and there was no older one to hand out. The load goes on, and is kept if it succeeds. */
export class LoadTimeoutError extends SluiceError {
  constructor(
    readonly key: string,
    timeoutMs: number,
  ) {
    super('SLUICE_LOAD_TIMEOUT', `Loading a cached value took longer than ${timeoutMs} ms.`)
  }
}
