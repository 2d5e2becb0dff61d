import type { TabMessage, WorkerMessage } from './hub.ts'
import type { AloneScope } from './stream-worker.ts'
import workerUrl from './stream-worker.ts?sharedworker&url'

/** The app's API, wherever the page is served. */
export const apiUrl = (path: string): string => new URL(`api/${path}`, document.baseURI.replace(/#.*$/, '')).href

interface TrustedScripts {
  readonly trustedTypes?: {
    createPolicy(name: string, rules: { createScriptURL(text: string): string }): { createScriptURL(text: string): string }
  }
}

/**
 * Listens to the app: by the one worker of this browser, or, where there is none, by a stream of this tab's own.
 *
 * @returns Tells what the tab does.
 */
export function connect(listen: (message: WorkerMessage) => void): (message: TabMessage) => void {
  const worker = startWorker()
  if (worker === undefined) return connectAlone(listen)
  worker.port.onmessage = ({ data }: MessageEvent<WorkerMessage>) => listen(data)
  return (message) => worker.port.postMessage(message)
}

function startWorker(): SharedWorker | undefined {
  if (typeof SharedWorker === 'undefined') return undefined
  try {
    // The page's policy takes no plain text as the address of a script. This one is of the page's own build.
    const policy = (globalThis as TrustedScripts).trustedTypes?.createPolicy('sluice', { createScriptURL: () => workerUrl })
    return new SharedWorker(policy?.createScriptURL('') ?? workerUrl, { type: 'module', name: 'sluice' })
  } catch {
    // Private windows and embedded browsers may refuse.
    return undefined
  }
}

/** What is said before the code is there is said then. */
function connectAlone(listen: (message: WorkerMessage) => void): (message: TabMessage) => void {
  const said: TabMessage[] = []
  let send = (message: TabMessage): void => void said.push(message)
  import(/* @vite-ignore */ workerUrl).then(() => {
    send = (globalThis as AloneScope).sluiceConnectAlone?.(listen) ?? send
    for (const message of said.splice(0)) send(message)
  })
  return (message) => send(message)
}
