/** The part of a helper (../child.js) that answers: each question by its name. Ends with its parent. */
export function answer(questions) {
  process.on('message', async ({ question, value }) => process.send({ answer: await questions[question](value) }));
  process.on('disconnect', () => process.exit());
  process.send({});
}
