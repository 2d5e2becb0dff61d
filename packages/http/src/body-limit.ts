import { Transform, type TransformCallback } from 'node:stream'

/** Lets so many bytes through, and ends with an error at the next one. */
export class BodyLimit extends Transform {
  #left: number

  constructor(
    maxBytes: number,
    private readonly onExceeded: () => void,
  ) {
    super()
    this.#left = maxBytes
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#left -= chunk.length
    if (this.#left >= 0) callback(null, chunk)
    else {
      this.onExceeded()
      callback(new Error('The body is too long.'))
    }
  }
}
