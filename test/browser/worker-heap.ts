import type { Browser, CDPSession } from 'playwright-core'

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/**
 * Returns the heap size of the shared worker of an origin after garbage collection, in bytes. A shared worker
 * is not part of a page, so this uses the debugging session of the browser.
 */
export async function workerHeapOf(browser: Browser, origin: string): Promise<number> {
  const session = await browser.newBrowserCDPSession()
  try {
    const { targetInfos } = await session.send('Target.getTargets')
    const workers = targetInfos.filter(({ type, url }) => type === 'shared_worker' && url.startsWith(origin))
    const [worker] = workers
    if (worker === undefined || workers.length > 1)
      throw new Error(`There are ${workers.length} shared workers of ${origin}.`)
    const { sessionId } = await session.send('Target.attachToTarget', {
      targetId: worker.targetId,
      flatten: false,
    })
    await ask(session, sessionId, 'HeapProfiler.enable')
    await ask(session, sessionId, 'HeapProfiler.collectGarbage')
    const { usedSize } = (await ask(session, sessionId, 'Runtime.getHeapUsage')) as {
      readonly usedSize: number
    }
    return usedSize
  } finally {
    await session.detach()
  }
}

let asked = 0

function ask(session: CDPSession, sessionId: string, method: string): Promise<unknown> {
  asked += 1
  const id = asked
  return new Promise((resolve, reject) => {
    const listen = ({ message }: { readonly message: string }): void => {
      const answer = JSON.parse(message) as Answer
      if (answer.id !== id) return
      session.off('Target.receivedMessageFromTarget', listen)
      if (answer.error === undefined) resolve(answer.result)
      else reject(new Error(`${method}: ${answer.error.message}`))
    }
    session.on('Target.receivedMessageFromTarget', listen)
    session
      .send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) })
      .catch(reject)
  })
}
