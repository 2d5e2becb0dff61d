import * as api from '@opentelemetry/api'
import { MissingPackageError } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { loadApi } from '../../src/opentelemetry/export-spans.ts'

describe('loadApi', () => {
  const failing = (message: string, code = 'ERR_MODULE_NOT_FOUND') =>
    loadApi('exportSpans', () => Promise.reject(Object.assign(new Error(message), { code })))

  it('names the missing package in its error', async () => {
    const missing = failing("Cannot find package '@opentelemetry/api' imported from /app/index.js")
    await expect(missing).rejects.toThrow(MissingPackageError)
    await expect(missing).rejects.toMatchObject({
      packageName: '@opentelemetry/api',
      message: expect.stringContaining('exportSpans requires'),
    })
  })

  it('does not report other errors as a missing package', async () => {
    await expect(
      failing("Cannot find package 'other' imported from '/app/node_modules/x'"),
    ).rejects.not.toThrow(MissingPackageError)
    await expect(failing("'@opentelemetry/api' is broken", 'ERR_OTHER')).rejects.not.toThrow(
      MissingPackageError,
    )
  })

  it('loads the installed package', async () => {
    expect((await loadApi('exportSpans')).trace).toBe(api.trace)
  })
})
