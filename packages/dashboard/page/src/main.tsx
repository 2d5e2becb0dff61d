import { render } from 'preact'
import { listenToKeys } from './keys/listen-to-keys.ts'
import { start } from './live/live.ts'
import { App } from './shell/app.tsx'

const root = document.getElementById('app')
if (root !== null) {
  start()
  listenToKeys()
  render(<App />, root)
}
