// Each change is a POST with the panel's token, which Jsw.redirectPost adds.
Jsw.onReady(function () {
    document.querySelectorAll('[data-nsbridge-post]').forEach(function (button) {
        button.addEventListener('click', function () {
            var question = button.getAttribute('data-nsbridge-confirm');
            if (!question || window.confirm(question)) {
                Jsw.redirectPost(
                    button.getAttribute('data-nsbridge-post'),
                    JSON.parse(button.getAttribute('data-nsbridge-data'))
                );
            }
        });
    });
});
