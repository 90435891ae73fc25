<?php

// Plesk runs this before a removal, and before each upgrade. The queue file stays, and so do the zones.

pm_Loader::registerAutoload();
pm_Context::init('nsbridge');

try {
    Modules_Nsbridge_Slot::leave();
    pm_Scheduler::getInstance()->removeAllTasks();
} catch (pm_Exception $error) {
    echo $error->getMessage() . "\n";
    exit(1);
}
exit(0);
