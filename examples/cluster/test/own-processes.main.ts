// Owns a process that would go on for long, tells of it, and waits to be killed.
import { OwnProcesses } from '../src/own-processes.ts'

const own = new OwnProcesses()
const { pid } = own.spawn('sleep', ['600'], { stdio: 'ignore' }, 'SIGTERM')
process.send?.({ folder: own.folder, pid })
setInterval(() => {}, 60_000)
