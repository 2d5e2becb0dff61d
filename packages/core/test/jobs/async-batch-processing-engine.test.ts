import {
  AsyncBatchProcessingEngine,
  type AuditEntry,
  createSluice,
  getAsyncBatchProcessingEngine,
  InvalidArgumentError,
  InvalidOptionError,
  type JobsOptions,
  memoryJobBackend,
  NoProcessorError,
  NotAuthorizedError,
  SluiceError,
  UnknownQueueError,
} from '@sluice/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SOON } from '../../../../test/support/patience.ts'

function open(options: JobsOptions = {}) {
  const jobs = new AsyncBatchProcessingEngine(options)
  onTestFinished(() => jobs.close())
  return jobs
}

describe('AsyncBatchProcessingEngine', () => {
  it.each<[object, string]>([
    [{ leaseMs: 1 }, 'leaseMs'],
    [{ pollMs: 0 }, 'pollMs'],
    [{ priorityAgingMs: -1 }, 'priorityAgingMs'],
    [{ maxCrashes: 1.5 }, 'maxCrashes'],
    [{ backend: {} }, 'backend'],
    [{ retention: { maxDeadBytes: -1 } }, 'retention.maxDeadBytes'],
    [{ authorize: true }, 'authorize'],
    [{ workers: 5 }, 'workers'],
  ])('throws for invalid options: %o', (options, name) => {
    expect(() => new AsyncBatchProcessingEngine(options)).toThrow(InvalidOptionError)
    expect(() => new AsyncBatchProcessingEngine(options)).toThrow(`"${name}"`)
    expect(() => createSluice({ jobs: options })).toThrow(`"jobs.${name}"`)
  })

  it('belongs to a Sluice or to the process', async () => {
    const sluice = createSluice()
    expect(sluice.jobs).toBeInstanceOf(AsyncBatchProcessingEngine)
    await sluice.close()
    await expect(sluice.jobs?.enqueueTask(1)).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
    expect(createSluice({ jobs: false }).jobs).toBeUndefined()
    expect(getAsyncBatchProcessingEngine()).toBe(getAsyncBatchProcessingEngine())
  })

  it('reports whether this process runs the tasks of a queue', () => {
    const jobs = open()
    jobs.createQueue('made')
    jobs.registerProcessor('mail', async () => {})
    expect(['mail', 'made', 'default', 'nobody'].map((name) => jobs.hasProcessor(name))).toEqual([
      true,
      false,
      false,
      false,
    ])
  })

  it('processes no task of an empty queue, with or without a processor', async () => {
    const jobs = open()
    jobs.createQueue('mail')
    expect(await jobs.processNextTask('mail')).toBeNull()
    jobs.registerProcessor('mail', async () => {})
    expect(await jobs.processNextTask('mail')).toBeNull()
  })

  it.each([
    ['waits', {}],
    ['is delayed', { delayMs: 60_000 }],
  ])('throws NoProcessorError when a task %s and no processor is registered', async (_, options) => {
    const jobs = open()
    const { id } = await jobs.enqueueTask(1, 'normal', 'default', options)
    await expect(jobs.processNextTask()).rejects.toThrow(NoProcessorError)
    await jobs.cancelTask(id)
    expect(await jobs.processNextTask()).toBeNull()
  })

  it('releases claims that arrive after the drain timeout', async () => {
    const backend = memoryJobBackend()
    const jobs = open({ backend })
    const step = backend.step.bind(backend)
    let answer = () => {}
    let isAsked = false
    backend.step = async (...args) => {
      const result = await step(...args)
      if (result.claims.length > 0 && !isAsked) {
        isAsked = true
        await new Promise<void>((resolve) => {
          answer = resolve
        })
      }
      return result
    }
    let runs = 0
    jobs.registerProcessor('default', () => {
      runs += 1
      return new Promise(() => {})
    })
    await jobs.enqueueTask(1)
    jobs.start()
    await expect.poll(() => isAsked, SOON).toBe(true)
    const draining = jobs.drain({ timeoutMs: 1 })
    setTimeout(() => answer(), 50)
    await draining
    expect(runs).toBe(0)
    expect(await jobs.getProcessingStats()).toMatchObject({ queued: 1, processing: 0 })
    // An explicit call still runs the task.
    jobs.registerProcessor('default', () => {
      runs += 1
    })
    expect(await jobs.processNextTask()).toMatchObject({ status: 'completed' })
    expect(runs).toBe(1)
  })

  it('runs each task in a separate scope', async () => {
    const sluice = createSluice()
    onTestFinished(() => sluice.close())
    const scopes: string[] = []
    sluice.on('scope', ({ name }) => scopes.push(name))
    sluice.jobs?.registerProcessor('mail', async () => {})
    await sluice.jobs?.enqueueTask(1, 'normal', 'mail')
    await sluice.jobs?.enqueueTask(2, 'normal', 'mail')
    await sluice.jobs?.processNextTask('mail')
    await sluice.jobs?.processNextTask('mail')
    expect(scopes).toEqual(['job mail', 'job mail'])
  })

  describe('validation', () => {
    it.each<[unknown[], new (...args: never[]) => SluiceError, string]>([
      [[1, 'urgent'], InvalidArgumentError, '"priority"'],
      [
        [1, 'normal', 'nowhere'],
        UnknownQueueError,
        'Unknown queue "nowhere". Known queues: "default". Call createQueue("nowhere") first.',
      ],
      [[1, 'normal', 'default', { retries: 1 }], InvalidOptionError, '"retries"'],
      [[1, 'normal', 'default', { maxRetries: -1 }], InvalidOptionError, '"maxRetries"'],
      [[1, 'normal', 'default', { timeoutMs: 0 }], InvalidOptionError, '"timeoutMs"'],
      [[1, 'normal', 'default', { delayMs: Number.NaN }], InvalidOptionError, '"delayMs"'],
      [[1, 'normal', 'default', { uniqueKey: '' }], InvalidOptionError, '"uniqueKey"'],
      [[1, 'normal', 'default', { uniqueKey: 'a\uD800' }], InvalidOptionError, '"uniqueKey"'],
      [[1, 'normal', 'default', { backoff: () => 'soon' }], InvalidArgumentError, '"backoff"'],
      [
        [1, 'normal', 'default', { transaction: {} }],
        InvalidArgumentError,
        'no transaction with the backend "memory"',
      ],
    ])('throws for an invalid task: %o', async (args, type, message) => {
      const jobs = open()
      const enqueued = (jobs.enqueueTask as (...given: unknown[]) => Promise<unknown>)(...args)
      await expect(enqueued).rejects.toThrow(type)
      await expect(enqueued).rejects.toThrow(message)
      expect((await jobs.getProcessingStats()).queued).toBe(0)
    })

    it.each<[string, unknown, string]>([
      ['undefined', undefined, '$'],
      ['a function', { a: { b: () => {} } }, '$.a.b'],
      ['a BigInt', [1, 2n], '$[1]'],
      ['a symbol', Symbol('a'), '$'],
      ['NaN', { a: [Number.NaN] }, '$.a[0]'],
      ['Infinity', Number.POSITIVE_INFINITY, '$'],
      ['a Map', { map: new Map() }, '$.map'],
      ['an instance', new (class Point {})(), '$'],
      ['undefined in an array', [undefined], '$[0]'],
    ])('throws with the path for invalid data: %s', async (_, data, path) => {
      await expect(open().enqueueTask(data)).rejects.toMatchObject({ code: 'SLUICE_INVALID_PAYLOAD', path })
    })

    it('rejects circular and oversized data', async () => {
      const data: { self?: unknown } = {}
      data.self = data
      await expect(open().enqueueTask(data)).rejects.toMatchObject({ code: 'SLUICE_INVALID_PAYLOAD' })
      await expect(open().enqueueTask('a'.repeat(1_048_576))).rejects.toThrow('at most 1048576 bytes')
      await expect(open().createBatchJob('b', ['a'.repeat(1_048_576)])).rejects.toThrow(
        'at most 1048576 bytes',
      )
    })

    it.each<[unknown[], string]>([
      [['a b', [1]], '"name"'],
      [['', [1]], '"name"'],
      [['b', 'text'], '"items"'],
      [['b', 5], '"items"'],
      [['b', null], '"items"'],
      [['b', [1], 0], '"batchSize"'],
      [['b', [1], 1, { webhook: 'ftp://a' }], '"webhook"'],
      [['b', [1], 1, { delayMs: 5 }], '"delayMs"'],
      [['b', [() => {}]], '$[0]'],
    ])('throws for an invalid batch job: %o', async (args, message) => {
      const jobs = open()
      await expect(
        (jobs.createBatchJob as (...given: unknown[]) => Promise<unknown>)(...args),
      ).rejects.toThrow(message)
    })

    it('cancels a batch job and rejects when its items throw', async () => {
      const jobs = open()
      const completed: string[] = []
      jobs.on('batch:completed', ({ status }) => completed.push(status))
      function* items() {
        for (let at = 0; at < 500; at += 1) yield at
        throw new Error('the cursor broke')
      }
      await expect(jobs.createBatchJob('b', items(), 2)).rejects.toThrow('the cursor broke')
      expect(completed).toEqual(['cancelled'])
      jobs.registerProcessor('b', () => {})
      expect(await jobs.processNextTask('b')).toBeNull()
    })

    it('cancels a batch job when adding its last part fails, even if the part was added', async () => {
      const backend = memoryJobBackend()
      const jobs = new AsyncBatchProcessingEngine({ backend })
      const completed: string[] = []
      jobs.on('batch:completed', ({ status }) => completed.push(status))
      jobs.registerProcessor('b', () => {})
      const add = backend.add.bind(backend)
      backend.add = async (tasks) => {
        const added = await add(tasks)
        if (tasks.some(({ chunk }) => chunk >= 50)) throw new Error('the answer was lost')
        return added
      }
      async function* items() {
        for (let at = 0; at < 50; at += 1) yield at
        while ((await jobs.processNextTask('b')) !== null);
        yield 50
      }
      await expect(jobs.createBatchJob('b', items(), 1)).rejects.toThrow('the answer was lost')
      expect(await jobs.processNextTask('b')).toBeNull()
      expect(completed).toEqual(['cancelled'])
      await jobs.close()
    })

    it('rejects other invalid arguments', async () => {
      const jobs = open()
      expect(() => jobs.createQueue('a', 0)).toThrow(InvalidArgumentError)
      expect(() => jobs.createQueue('a/b')).toThrow('"name"')
      expect(() => jobs.createQueue('a', 1, { rate: { tasks: 0, perMs: 1 } })).toThrow('"rate.tasks"')
      expect(() => jobs.createQueue('a', 1, { rate: { tasks: 1 } as never })).toThrow('"rate.perMs"')
      expect(() => jobs.registerProcessor('a', 5 as never)).toThrow('"processor"')
      expect(() => jobs.registerProcessor('a', () => {}, { concurrency: 0 })).toThrow('"concurrency"')
      expect(() => jobs.registerProcessingCallback('', () => {})).toThrow('"taskId"')
      expect(() => jobs.start('default')).toThrow(NoProcessorError)
      expect(() => jobs.start('nowhere')).toThrow(UnknownQueueError)
      await expect(jobs.schedule('s', 'every day', 1)).rejects.toThrow('"pattern"')
      await expect(jobs.schedule('s', '* * * * *', 1, { timezone: 'Mars/Olympus' })).rejects.toThrow(
        'a time zone',
      )
      await expect(jobs.schedule('s', '* * * * *', undefined)).rejects.toThrow('Invalid task data at $')
      await expect(jobs.processNextTask('nowhere')).rejects.toThrow(UnknownQueueError)
      await expect(jobs.getBatchProgress('none')).rejects.toThrow('"batchId"')
      await expect(jobs.getProcessingStats('nowhere')).rejects.toThrow(UnknownQueueError)
      await expect(jobs.listDeadLetters({ limit: 0 })).rejects.toThrow('"limit"')
      expect(await jobs.retryDeadLetterTask('none')).toBe(false)
      expect(await jobs.cancelTask('none')).toBe(false)
      expect(await jobs.getTask('none')).toBeUndefined()
    })
  })

  describe('access', () => {
    it('is checked before anything is done, and recorded in the audit log', async () => {
      const jobs = open({
        authorize: async (actor, action) => actor === 'ops' || (action === 'enqueue' && actor === 'ann'),
      })
      await expect(jobs.enqueueTask(1)).rejects.toThrow(NotAuthorizedError)
      const task = await jobs.enqueueTask(1, 'normal', 'default', { runAs: 'ann' })
      await expect(jobs.enqueueTask(1, 'normal', 'default', { runAs: 'ann', actor: 'bob' })).rejects.toThrow(
        'denied "enqueue" for "bob"',
      )
      await expect(jobs.cancelTask(task.id, { actor: 'ann' })).rejects.toMatchObject({
        actor: 'ann',
        action: 'cancel',
      })
      await expect(jobs.purgeDeadLetters({}, { actor: 'ann' })).rejects.toThrow(NotAuthorizedError)
      await expect(jobs.retryDeadLetterTask('x')).rejects.toThrow(NotAuthorizedError)
      await expect(jobs.createBatchJob('b', [1], 1, { runAs: 'bob' })).rejects.toThrow(NotAuthorizedError)
      expect(await jobs.cancelTask(task.id, { actor: 'ops' })).toBe(true)
      expect(
        jobs.getAuditLog().map(({ actor, action, isAllowed }) => `${actor} ${action} ${isAllowed}`),
      ).toEqual([
        'undefined enqueue false',
        'ann enqueue true',
        'bob enqueue false',
        'ann cancel false',
        'ann purge false',
        'undefined retry false',
        'bob enqueue false',
        'ops cancel true',
      ])
      expect((await jobs.getProcessingStats()).queued).toBe(0)
    })

    it('is denied when the authorize hook throws', async () => {
      const jobs = open({
        authorize: () => {
          throw new Error('no directory')
        },
      })
      await expect(jobs.enqueueTask(1)).rejects.toThrow('no directory')
      expect(jobs.getAuditLog()).toMatchObject([{ isAllowed: false }])
    })

    it('passes entries to the audit sink, whose errors affect nothing else', async () => {
      const entries: AuditEntry[] = []
      const errors: unknown[] = []
      const jobs = open({
        audit: async (entry) => {
          entries.push(entry)
          throw new Error('disk full')
        },
      })
      jobs.on('error', ({ error }) => errors.push(error))
      await jobs.enqueueTask(1, 'normal', 'default', { runAs: 'ann' })
      await jobs.purgeDeadLetters({ queue: 'default' }, { actor: 'ops' })
      expect(entries).toMatchObject([
        { actor: 'ann', action: 'enqueue', queue: 'default', runAs: 'ann', isAllowed: true },
        { actor: 'ops', action: 'purge', queue: 'default', isAllowed: true },
      ])
      expect(errors).toHaveLength(2)
      expect(jobs.getAuditLog()).toEqual([])
    })

    it('retains the last 1,000 entries in the audit log', async () => {
      const jobs = open()
      for (let at = 0; at < 1_005; at += 1) await jobs.cancelTask(`task ${at}`)
      expect(jobs.getAuditLog()).toHaveLength(1_000)
      expect(jobs.getAuditLog()[0]).toMatchObject({ taskId: 'task 5' })
      expect(jobs.getAuditLog().at(-1)).toMatchObject({ taskId: 'task 1004' })
    })
  })

  describe('processors', () => {
    it('do not stop the queue when they fail in any way', async () => {
      const jobs = open({ graceMs: 20 })
      const done: unknown[] = []
      const ways: Record<string, () => unknown> = {
        throws: () => {
          throw new Error('sync')
        },
        rejects: () => Promise.reject(new Error('async')),
        nothing: () => Promise.reject(undefined),
        text: () => {
          throw 'a text'
        },
        hangs: () => new Promise(() => {}),
        thenable: () => ({
          // biome-ignore lint/suspicious/noThenProperty: the test needs a thenable.
          then: (_: unknown, reject: (error: Error) => void) => reject(new Error('thenable')),
        }),
        ok: () => 1,
      }
      jobs.registerProcessor<string>('default', (way) => ways[way]?.())
      jobs.on('task:dead', ({ failure }) => done.push(failure.message))
      jobs.on('task:completed', ({ result }) => done.push(result))
      for (const way of Object.keys(ways))
        await jobs.enqueueTask(way, 'normal', 'default', { maxRetries: 0, timeoutMs: 50 })
      jobs.start()
      await expect.poll(() => done.length, SOON).toBe(7)
      expect([...done].sort()).toEqual(
        [1, 'The task took longer than 50 ms.', 'a text', 'async', 'sync', 'thenable', 'undefined'].sort(),
      )
    })

    it('are started if they register later, and the last registered one is used', async () => {
      const jobs = open()
      const seen: string[] = []
      jobs.start()
      jobs.registerProcessor('late', () => void seen.push('first'))
      await jobs.enqueueTask(1, 'normal', 'late')
      await expect.poll(() => seen, SOON).toEqual(['first'])
      jobs.registerProcessor('late', () => void seen.push('second'))
      await jobs.enqueueTask(1, 'normal', 'late')
      await expect.poll(() => seen, SOON).toEqual(['first', 'second'])
    })

    it('yield to other work on the event loop', async () => {
      const jobs = open()
      let turns = 0
      let runs = 0
      const timer = setInterval(() => {
        turns += 1
      }, 1)
      jobs.registerProcessor('default', () => {
        runs += 1
        const until = performance.now() + 0.2
        while (performance.now() < until);
      })
      for (let at = 0; at < 1_000; at += 1) await jobs.enqueueTask(at)
      jobs.start()
      await expect.poll(() => runs, SOON).toBe(1_000)
      clearInterval(timer)
      expect(turns).toBeGreaterThan(5)
    })

    it('wait for the backoff', async () => {
      const jobs = open()
      const attempts: number[] = []
      const waits: number[] = []
      jobs.on('task:retry', ({ retryAt }) => waits.push(retryAt - Date.now()))
      jobs.registerProcessor('default', (_data, { attempt }) => {
        attempts.push(attempt)
        throw new Error('no')
      })
      await jobs.enqueueTask(1, 'normal', 'default', { maxRetries: 2, backoff: (attempt) => attempt * 40 })
      await jobs.enqueueTask(1, 'normal', 'default', { maxRetries: 1, backoff: 1_000 })
      jobs.start()
      await expect.poll(() => attempts.filter((attempt) => attempt === 3).length, SOON).toBe(1)
      const [first = 0, long = 0, second = 0] = waits
      expect(first).toBeLessThanOrEqual(40)
      expect(second).toBeLessThanOrEqual(80)
      expect(second).toBeGreaterThan(40)
      expect(long).toBeGreaterThan(450)
      expect(long).toBeLessThanOrEqual(1_000)
    })
  })

  it('reports an unhealthy queue with the reasons', async () => {
    const jobs = open()
    expect(await jobs.getQueueHealth()).toEqual({ health: 'healthy', reasons: [] })
    await jobs.enqueueTask(1)
    await jobs.pause()
    expect(await jobs.getQueueHealth()).toEqual({
      health: 'degraded',
      reasons: ['The queue is paused, and 1 tasks wait.'],
    })
    await jobs.resume()
    jobs.registerProcessor('default', () => {
      throw new Error('no')
    })
    for (let at = 0; at < 25; at += 1) await jobs.enqueueTask(at, 'normal', 'default', { maxRetries: 0 })
    for (let at = 0; at < 25; at += 1) await jobs.processNextTask()
    expect((await jobs.getQueueHealth()).health).toBe('unhealthy')
    const broken = Object.assign(memoryJobBackend(), {
      counts: () => {
        throw new Error('gone')
      },
    })
    const health = await open({ backend: broken }).getQueueHealth()
    expect(health).toEqual({ health: 'unhealthy', reasons: ['Its backend does not respond: gone'] })
  })

  it('retains outcomes while its backend is unavailable, and reports them afterwards', async () => {
    const backend = memoryJobBackend()
    const step = backend.step.bind(backend)
    let isDown = false
    const errors: unknown[] = []
    const flaky = Object.assign(backend, {
      step: (...args: Parameters<typeof step>) => {
        if (isDown) throw new Error('down')
        return step(...args)
      },
    })
    const jobs = open({ backend: flaky })
    const completed: string[] = []
    jobs.on('error', ({ error }) => errors.push(error))
    jobs.on('task:completed', ({ taskId }) => completed.push(taskId))
    jobs.registerProcessor('default', () => {
      isDown = true
    })
    jobs.start()
    const task = await jobs.enqueueTask(1)
    await expect.poll(() => errors.length, SOON).toBeGreaterThan(0)
    expect(completed).toEqual([])
    isDown = false
    await expect.poll(() => completed, SOON).toEqual([task.id])
  })

  it('evicts the oldest dead letters above maxDeadBytes, and expired batch jobs', async () => {
    const backend = memoryJobBackend()
    const jobs = open({ backend })
    jobs.registerProcessor<string>('default', () => {
      throw new Error('no')
    })
    for (let at = 0; at < 10; at += 1) {
      await jobs.enqueueTask(`${at}${'x'.repeat(97)}`, 'normal', 'default', { maxRetries: 0 })
      await jobs.processNextTask()
    }
    await backend.tidy({ maxDeadBytes: 500, maxBatchAgeMs: 1_000 }, Date.now())
    expect((await jobs.listDeadLetters()).map(({ data }) => String(data)[0])).toEqual([
      '5',
      '6',
      '7',
      '8',
      '9',
    ])
    const batch = await jobs.createBatchJob('b', [])
    await backend.tidy({ maxDeadBytes: 500, maxBatchAgeMs: 1_000 }, Date.now() + 5_000)
    await expect(jobs.getBatchProgress(batch.id)).rejects.toThrow('"batchId"')
  })

  it('leaves no timer when it is closed', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const jobs = new AsyncBatchProcessingEngine()
    jobs.registerProcessor('default', () => new Promise(() => {}))
    await jobs.schedule('tick', '* * * * *', 1)
    jobs.start()
    await jobs.enqueueTask(1)
    await expect.poll(async () => (await jobs.getProcessingStats()).processing, SOON).toBe(1)
    await jobs.close()
    await jobs.close()
    // A timer of an earlier test may end in the meantime.
    expect(timers()).toBeLessThanOrEqual(before)
    await expect(jobs.enqueueTask(1)).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
    expect(() => jobs.start()).toThrow(SluiceError)
  })
})
