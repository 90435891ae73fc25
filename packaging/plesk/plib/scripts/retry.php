<?php

// The panel's scheduler runs this each minute.

pm_Loader::registerAutoload();
pm_Context::init('nsbridge');

try {
    Modules_Nsbridge_Worker::work();
} catch (pm_Exception $error) {
    fwrite(STDERR, "{$error->getMessage()}\n");
    exit(1);
}
exit(0);
