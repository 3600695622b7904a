// A folder of static files, for the server of the tests; the bundler's settings are Next's own.
export default { output: 'export' };
