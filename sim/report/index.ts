// The report: one HTML page that shows a run in space and time.
//
//   const recorder = new Recorder()
//   const result = await simulate(plan, recorder.options)
//   writeFileSync('run.html', renderReport(recorder.record(result)))
export { renderReport } from './html.ts'
export { Recorder, type Recording } from './recorder.ts'
