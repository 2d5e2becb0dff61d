import type { JobBackend } from '../job-backend.ts'
import { MemoryBackend } from './memory-backend.ts'

/** Keeps tasks in this process: what an engine does that is given no backend. What waits, runs or has failed when the process ends is gone. */
export function memoryJobBackend(): JobBackend {
  return new MemoryBackend()
}
