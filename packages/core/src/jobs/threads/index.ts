export { type ThreadProcessor, type ThreadProcessorOptions, threadProcessor } from './thread-processor.ts'
export { runInThread } from './thread-run.ts'
