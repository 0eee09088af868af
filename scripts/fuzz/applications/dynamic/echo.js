// A module of a dynamic folder with a body to read, for the fuzz run.
export default async (request) => new Response(await request.bytes());
