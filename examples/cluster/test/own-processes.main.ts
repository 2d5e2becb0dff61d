// Owns a process that would run for a long time, reports it, and waits to be killed.
import { OwnProcesses } from '../src/own-processes.ts'

const own = new OwnProcesses()
const { pid } = own.spawn('sleep', ['600'], { stdio: 'ignore' }, 'SIGTERM')
process.send?.({ folder: own.folder, pid })
setInterval(() => {}, 60_000)
