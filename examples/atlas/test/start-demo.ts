import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort } from '../../../test/services/free-port.ts'
import { FLAGS } from '../../../test/support/typescript-process.ts'

const folder = join(import.meta.dirname, '..')

/** `npm run demo -- --serve`, from when it prints its address to the end of the test. */
export async function startDemo(
  ...args: readonly string[]
): Promise<{ readonly demo: ChildProcess; readonly origin: string }> {
  const port = await freePort()
  const demo = spawn(process.execPath, [...FLAGS, 'src/demo.ts', '--serve', ...args], {
    cwd: folder,
    env: { ...process.env, PORT: String(port), DATABASE_URL: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(() => void demo.kill('SIGKILL'))
  let text = ''
  await new Promise<void>((resolve, reject) => {
    demo.once('exit', (code) => reject(new Error(`The demo ended with ${code}: ${text}`)))
    demo.stderr?.on('data', (chunk) => {
      text += chunk
      if (text.includes('/graphql')) resolve()
    })
  })
  return { demo, origin: `http://127.0.0.1:${port}` }
}
