import { inspect } from 'node:util'
import { createSluice, InvalidOptionError, type Logger } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

interface Line {
  readonly level: string
  readonly details: Record<string, unknown>
  readonly message: string
}

function lines(): { readonly told: Line[]; readonly logger: Required<Logger> } {
  const told: Line[] = []
  const at = (level: string) => (details: object, message: string) =>
    void told.push({ level, details: details as Line['details'], message })
  return { told, logger: { info: at('info'), warn: at('warn'), error: at('error') } }
}

describe('a Sluice with a logger', () => {
  it('logs each warning once, without a process warning', () => {
    const { told, logger } = lines()
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => emitWarning.mockRestore())
    const sluice = createSluice({ logger })
    for (let time = 0; time < 3; time += 1) hostOf(sluice).warn('Mind the gap.', 'SLUICE_NO_SCOPE')
    const details = { name: 'sluice', code: 'SLUICE_NO_SCOPE' }
    expect(told).toEqual([{ level: 'warn', details, message: 'Mind the gap.' }])
    expect(emitWarning).not.toHaveBeenCalled()
    hostOf(createSluice()).warn('Mind the gap.')
    expect(emitWarning).toHaveBeenCalledWith('Mind the gap.', {
      type: 'SluiceWarning',
      code: 'SLUICE_UNSUPPORTED_CLIENT',
    })
  })

  it('logs internal errors, and listeners that throw', async () => {
    const { told, logger } = lines()
    const sluice = createSluice({ logger })
    const error = new Error('The schema could not be read.')
    hostOf(sluice).reportError(error)
    expect(told).toEqual([
      { level: 'error', details: { name: 'sluice', err: error }, message: 'The schema could not be read.' },
    ])
    sluice.on('scope', () => {
      throw new Error('mine')
    })
    await sluice.run(() => 1)
    expect(told.at(-1)).toMatchObject({
      level: 'warn',
      details: { code: 'SLUICE_LISTENER_ERROR' },
      message: 'A listener of the event "scope" threw: mine',
    })
  })

  it('hides the password of an address in an error, its fields and a warning', () => {
    const { told, logger } = lines()
    const cause = Object.assign(new TypeError('Invalid URL'), { input: 'postgres://ann:s3cret@db/app' })
    const command = { name: 'auth', args: ['s3cret'] }
    const sluice = createSluice({ logger })
    hostOf(sluice).reportError(
      Object.assign(new Error('redis://:s3cret@cache does not answer.', { cause }), { command }),
    )
    hostOf(sluice).warn('redis://:s3cret@cache does not answer.')
    expect(told.map(({ message }) => message)).toEqual(Array(2).fill('redis://:***@cache does not answer.'))
    expect(inspect(told, { depth: 9, showHidden: true })).not.toContain('s3cret')
  })

  it('logs alerts by severity, and their resolution', () => {
    const { told, logger } = lines()
    const { monitor } = createSluice({ logger })
    onTestFinished(() => monitor?.close())
    monitor?.registerMetric('orders', { warning: 10, critical: 100 })
    monitor?.recordMetric('orders', 20, 'shop')
    monitor?.recordMetric('orders', 200, 'shop')
    const [alert] = monitor?.getActiveAlerts() ?? []
    monitor?.resolveAlert(alert?.id ?? '', 'me')
    expect(told.map(({ level, details }) => [level, details.change])).toEqual([
      ['warn', 'raised'],
      ['error', 'escalated'],
      ['info', 'resolved'],
    ])
    expect(told[0]).toMatchObject({
      details: { metric: 'orders', source: 'shop', value: 20, threshold: 10 },
      message: expect.stringMatching(/^Alert raised: Orders of shop/),
    })
  })

  it('continues if the logger throws, and counts the error', () => {
    const broken = () => {
      throw new Error('The disk is full.')
    }
    const sluice = createSluice({ logger: { warn: broken, error: broken } })
    hostOf(sluice).warn('Mind the gap.')
    hostOf(sluice).reportError(new Error('no'))
    expect(sluice.queries.getStats().errors).toBe(3)
    // A logger without `info` is not called for that level.
    const { monitor } = createSluice({ logger: { warn: () => {}, error: () => {} } })
    monitor?.registerMetric('orders', { warning: 10 })
    monitor?.recordMetric('orders', 20, 'shop')
    expect(monitor?.resolveAlert(monitor.getActiveAlerts()[0]?.id ?? '')).toBe(true)
    monitor?.close()
  })

  it('rejects an invalid logger', () => {
    expect(() => createSluice({ logger: { log: () => {} } as never })).toThrow(InvalidOptionError)
    expect(() => createSluice({ logger: 'console' as never })).toThrow(/"logger".*such as pino/)
    expect(() => createSluice({ logger: console })).not.toThrow()
  })
})
